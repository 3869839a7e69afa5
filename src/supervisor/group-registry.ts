import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomically } from '../config-store/atomic-file';
import { cannotSave } from '../config-store/disk-error';
import type { StatePaths } from '../config-store/state-paths';
import { DaemonError } from '../domain/errors';
import { daemonErrorOf, FAULT, isFault } from './faults';
import { groupFileText } from './group-file';
import { groupName, instanceOfGroup } from './instance';
import { launcherScript } from './launcher';
import type { ProcessDefinition } from './process-definition';
import { isAlive, type ProcessMirror } from './process-mirror';
import type { RpcClient } from './rpc-client';
import type { StateLink } from './state-link';
import type { SupervisorHost } from './supervisor-host';
import { findUser, homeOf, requireUser, type SystemUser } from './system-users';

/** How long the mirror may lag behind supervisord's answer. */
const MIRROR_LAG_MS = 10_000;

/** Makes supervisord's groups, and the generated files behind them, equal to definitions. One change at a time. */
export class GroupRegistry {
  private readonly definitions = new Map<string, ProcessDefinition>();
  private lastChange: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly rpc: RpcClient,
    private readonly host: SupervisorHost,
    private readonly paths: StatePaths,
    private readonly mirror: ProcessMirror,
    private readonly link: () => StateLink,
  ) {}

  definition(owner: string): ProcessDefinition | undefined {
    return this.definitions.get(owner);
  }

  forgetAll(): void {
    this.definitions.clear();
  }

  async register(definition: ProcessDefinition): Promise<void> {
    const user = await requireUser(definition.user);
    await this.oneAtATime(async () => {
      const restore = await this.writeFiles(definition, user);
      try {
        await this.bringIn(definition);
      } catch (error) {
        await restore();
        throw refusal(error, definition.owner);
      }
      this.definitions.set(definition.owner, definition);
    });
  }

  /** Puts right what a start needs, should somebody have deleted or changed it by hand. */
  async repairFiles(owner: string): Promise<void> {
    const definition = this.definitions.get(owner);
    const user = definition && (await findUser(definition.user));
    if (!user) return;
    try {
      this.makeFolders(owner);
    } catch (error) {
      throw cannotSave(this.paths.logs, error);
    }
    const isWhole = (d: ProcessDefinition) => this.isLauncher(d, user);
    if (isWhole(definition)) return;
    await this.oneAtATime(async () => {
      const current = this.definitions.get(owner);
      if (current?.user === user.name && !isWhole(current)) await this.writeLauncher(current, user);
    });
  }

  /** Takes away generated files of programs other than these: a crash may have left them. */
  removeStaleFiles(owners: ReadonlySet<string>): void {
    const { launchers } = this.paths;
    removeUnless(launchers, (name) => owners.has(/^(.+)\.sh$/.exec(name)?.[1] ?? ''));
    // The folder of an attached supervisord is not ours alone.
    if (this.host.isAttached) return;
    const groupFiles = new Set([...owners].map((owner) => this.host.groupFile(owner)));
    const folder = this.paths.groupFiles;
    removeUnless(folder, (name) => groupFiles.has(join(folder, name)));
  }

  /** Whether supervisord would take the definition; nothing is changed. */
  async check(definition: ProcessDefinition): Promise<void> {
    if (this.link().mode !== 'bridge') return;
    const file = join(this.paths.supervisor, `check-${randomUUID()}.conf`);
    await writeFileAtomically(file, groupFileText(definition, this.paths, this.host.mark), {
      isDurable: false,
    });
    try {
      await this.rpc.call('hoody.check', file);
    } catch (error) {
      throw refusal(error, definition.owner);
    } finally {
      rmSync(file, { force: true });
    }
  }

  async unregister(owner: string): Promise<boolean> {
    return await this.oneAtATime(async () => {
      const groups = this.groupsOf(owner);
      await this.takeAway(groups, owner);
      rmSync(this.host.groupFile(owner), { force: true });
      rmSync(this.paths.launcher(owner), { force: true });
      this.definitions.delete(owner);
      return groups.length > 0;
    });
  }

  /** Replaces the stopped group of one instance by a fresh one. */
  async renew(group: string): Promise<void> {
    await this.oneAtATime(async () => {
      this.link().expectChanges();
      await this.rpc.call('supervisor.removeProcessGroup', group);
      await this.rpc.call('supervisor.addProcessGroup', group);
      await this.mirror.until(group, (info) => info?.startedAt === null, MIRROR_LAG_MS);
    });
  }

  private groupsOf(owner: string): string[] {
    return [...this.mirror.all()]
      .map((info) => info.group)
      .filter((g) => instanceOfGroup(g)?.owner === owner);
  }

  /** @returns what puts the files back as they were */
  private async writeFiles(definition: ProcessDefinition, user: SystemUser): Promise<() => Promise<void>> {
    const groupFile = this.host.groupFile(definition.owner);
    const launcher = this.paths.launcher(definition.owner);
    const before = { groupFile: contentOf(groupFile), launcher: contentOf(launcher) };
    const writeGroupFile = (text: string) => writeFileAtomically(groupFile, text, { isDurable: false });
    const restore = async () => {
      if (before.launcher === null) rmSync(launcher, { force: true });
      else await writeFileAtomically(launcher, before.launcher, launcherOptions(user));
      if (before.groupFile === null) rmSync(groupFile, { force: true });
      else await writeGroupFile(before.groupFile);
    };
    const text = groupFileText(definition, this.paths, this.host.mark);
    try {
      this.makeFolders(definition.owner);
      if (before.groupFile !== text) await writeGroupFile(text);
      // Last, since a program that is restarted reads it at once.
      if (!this.isLauncher(definition, user)) await this.writeLauncher(definition, user);
    } catch (error) {
      await restore().catch(() => undefined);
      throw error instanceof DaemonError ? error : cannotSave(groupFile, error);
    }
    return restore;
  }

  private makeFolders(owner: string): void {
    // supervisord refuses all of its configuration when a log directory is missing.
    mkdirSync(this.paths.logs, { recursive: true, mode: 0o700 });
    mkdirSync(this.paths.launchers, { recursive: true, mode: 0o711 });
    mkdirSync(dirname(this.host.groupFile(owner)), { recursive: true, mode: 0o700 });
  }

  private async writeLauncher(definition: ProcessDefinition, user: SystemUser): Promise<void> {
    const launcher = this.paths.launcher(definition.owner);
    try {
      await writeFileAtomically(launcher, scriptOf(definition, user), launcherOptions(user));
    } catch (error) {
      throw cannotSave(launcher, error);
    }
  }

  private isLauncher(definition: ProcessDefinition, user: SystemUser): boolean {
    const launcher = this.paths.launcher(definition.owner);
    return belongsTo(launcher, user) && contentOf(launcher) === scriptOf(definition, user);
  }

  private async bringIn(definition: ProcessDefinition): Promise<void> {
    const { owner, ports } = definition;
    const defined = new Set(ports.map((port) => groupName({ owner, port })));
    const obsolete = this.groupsOf(owner).filter((group) => !defined.has(group));
    this.link().expectChanges();
    if (this.link().mode === 'bridge') await this.rpc.call('hoody.apply', this.host.groupFile(owner));
    else await this.reread(defined);
    await this.takeAway(obsolete, owner);
    for (const group of defined) await this.mirror.until(group, (info) => info !== undefined, MIRROR_LAG_MS);
  }

  /** Without the bridge all files are read again, also those of others. */
  private async reread(defined: ReadonlySet<string>): Promise<void> {
    const running = [...defined].find((group) => isAlive(this.mirror.get(group)));
    const [[added, changed]] =
      await this.rpc.call<[[string[], string[], string[]]]>('supervisor.reloadConfig');
    const changedOurs = changed.filter((group) => defined.has(group));
    if (running && changedOurs.includes(running)) throw stillRunning(running);
    for (const group of changedOurs) await this.rpc.call('supervisor.removeProcessGroup', group);
    for (const group of [...added.filter((g) => defined.has(g)), ...changedOurs])
      await this.rpc.call('supervisor.addProcessGroup', group);
  }

  private async takeAway(groups: string[], owner: string): Promise<void> {
    if (groups.length === 0) return;
    const running = groups.find((group) => isAlive(this.mirror.get(group)));
    if (running) throw stillRunning(running);
    this.link().expectChanges();
    try {
      if (this.link().mode === 'bridge') await this.rpc.call('hoody.remove', JSON.stringify(groups));
      else
        for (const group of groups)
          await this.rpc.call('supervisor.removeProcessGroup', group).catch((error: unknown) => {
            if (!isFault(error, FAULT.BAD_NAME)) throw error;
          });
    } catch (error) {
      throw refusal(error, owner);
    }
    for (const group of groups) await this.mirror.until(group, (info) => info === undefined, MIRROR_LAG_MS);
  }

  private async oneAtATime<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.lastChange.then(change);
    this.lastChange = turn.catch(() => undefined);
    return await turn;
  }
}

function stillRunning(group: string): DaemonError {
  return new DaemonError(
    'PROGRAM_RUNNING',
    `Program "${instanceOfGroup(group)?.owner ?? group}" is running. Stop it first.`,
  );
}

function refusal(error: unknown, owner: string): DaemonError {
  if (isFault(error, FAULT.STILL_RUNNING))
    return new DaemonError('PROGRAM_RUNNING', `Program "${owner}" is running. Stop it first.`);
  return daemonErrorOf(error, `take over the configuration of "${owner}"`);
}

function scriptOf(definition: ProcessDefinition, user: SystemUser): string {
  return launcherScript(definition, user, definition.directory ?? homeOf(user));
}

function launcherOptions(owner: SystemUser) {
  return { mode: 0o500, owner, isDurable: false };
}

function removeUnless(folder: string, isKept: (name: string) => boolean): void {
  try {
    for (const name of readdirSync(folder))
      if (!isKept(name)) rmSync(join(folder, name), { recursive: true, force: true });
  } catch {
    // They do no harm.
  }
}

function belongsTo(launcher: string, user: SystemUser): boolean {
  const stat = lstatSync(launcher, { throwIfNoEntry: false });
  return stat?.uid === user.uid && stat.gid === user.gid && (stat.mode & 0o7777) === 0o500;
}

/** A launcher's owner can make it as large as he likes: what no launcher of ours can be is not read. */
const MAX_GENERATED_BYTES = 16 * 1024 * 1024;

function contentOf(file: string): string | null {
  try {
    return lstatSync(file).size > MAX_GENERATED_BYTES ? null : readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
