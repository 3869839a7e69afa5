import { readdirSync, readlinkSync } from 'node:fs';
import { listeningOn } from './listening-sockets';
import { listPids, readProcText } from './proc-files';
import { markOf } from './process-mark';
import { scanProcesses } from './process-table';
import { ProcessTree } from './process-tree';
import { SharedPass } from './shared-pass';
import { inSlices } from './slices';

/** Who listens on a TCP port. */
export interface PortHolder {
  port: number;
  address: string;
  /** The user id that opened the socket. */
  uid: number;
  /** null if its process can't be seen: another user's, or in another container. */
  pid: number | null;
  /** Its command line, at most 200 characters. */
  command: string | null;
  /** Its mark, if it is a process of one of our programs. */
  mark: string | null;
}

const COMMAND_LENGTH = 200;

const trees = new SharedPass(async () => new ProcessTree(await scanProcesses()));

/** null if nobody listens on the port. Of several processes with the same socket, that with the lowest pid. */
export async function holderOfPort(port: number): Promise<PortHolder | null> {
  return (await holdersOfPort(port))[0] ?? null;
}

/** All who listen on the port, on different addresses or sharing it (SO_REUSEPORT). Cheap while nobody does. */
export async function holdersOfPort(port: number): Promise<PortHolder[]> {
  const sockets = await listeningOn(port);
  const owners = await ownersOf(new Set(sockets.map((socket) => socket.inode)));
  return sockets
    .map(({ address, uid, inode }) => {
      const pid = owners.get(inode) ?? null;
      const command = pid === null ? null : commandLineOf(pid);
      return { port, address, uid, pid, command, mark: pid === null ? null : markOf(pid) };
    })
    .sort((a, b) => Number(a.pid === null) - Number(b.pid === null));
}

/** Whether a process of the program listens on the port, without connecting to it. */
export async function treeListensOn(rootPid: number, port: number): Promise<boolean> {
  const inodes = new Set((await listeningOn(port)).map((socket) => socket.inode));
  if (inodes.size === 0) return false;
  const members = (await trees.fresh()).membersOf(rootPid);
  return members.some(({ pid }) => socketInodesOf(pid).some((inode) => inodes.has(inode)));
}

/** The process's command line, or its name where it has none; null if it can't be read. */
export function commandLineOf(pid: number): string | null {
  const text = readProcText(`/proc/${pid}/cmdline`) || readProcText(`/proc/${pid}/comm`);
  if (!text) return null;
  // Programs may write anything there; it goes into messages that people read in a terminal.
  const shown = text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return [...shown].slice(0, COMMAND_LENGTH).join('') || null;
}

async function ownersOf(inodes: ReadonlySet<string>): Promise<Map<string, number>> {
  const owners = new Map<string, number>();
  await inSlices(inodes.size === 0 ? [] : listPids(), (pid) => {
    if (owners.size === inodes.size) return;
    for (const inode of socketInodesOf(pid)) {
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    }
  });
  return owners;
}

function socketInodesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => socketInode(`${folder}/${fd}`) ?? []);
  } catch {
    return [];
  }
}

function socketInode(link: string): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? null;
  } catch {
    return null;
  }
}
