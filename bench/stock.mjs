import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { atEnd, endProcess, temporaryFolder } from './support.mjs';

const { connect } = createRequire(import.meta.url)('supervisord');

/** The reference: supervisord as Debian ships it, without our plugin, asked by the npm client `supervisord`. */
export class StockSupervisor {
  static async start(programs = '') {
    const stock = new StockSupervisor();
    await stock.start(programs);
    return stock;
  }

  async start(programs) {
    const folder = temporaryFolder();
    this.include = join(folder, 'conf.d');
    mkdirSync(this.include);
    const socket = join(folder, 's.sock');
    const config = join(folder, 'supervisord.conf');
    writeFileSync(
      config,
      `[unix_http_server]\nfile=${socket}\n[supervisord]\nnodaemon=true\nsilent=true\nlogfile=${folder}/log\n` +
        `pidfile=${folder}/pid\nchildlogdir=${folder}\nminfds=8192\nuser=root\n` +
        '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n' +
        `[include]\nfiles=${this.include}/*.conf\n${programs}`,
    );
    this.child = spawn('supervisord', ['-n', '-c', config], { stdio: 'ignore' });
    atEnd(() => endProcess(this.child.pid));
    this.client = connect(`unix://${socket}`);
    this.client.client.options.agent = new Agent({ keepAlive: true });
    for (let i = 0; ; i++) {
      try {
        await this.call('supervisor.getState');
        return;
      } catch (error) {
        if (i > 1000) throw error;
        await delay(20);
      }
    }
  }

  call(method, ...args) {
    return new Promise((resolve, reject) =>
      this.client._call(method, args, (error, result) => (error ? reject(error) : resolve(result))),
    );
  }

  info(name) {
    return this.call('supervisor.getProcessInfo', name);
  }

  writeProgram(name, lines = '') {
    writeFileSync(join(this.include, `${name}.conf`), programSection(name, lines));
  }

  dropProgram(name) {
    rmSync(join(this.include, `${name}.conf`));
  }
}

export function programSection(name, lines = '') {
  return (
    `[program:${name}]\ncommand=/bin/sleep 100000\nautostart=false\nstartsecs=0\nautorestart=true\n` +
    `stopasgroup=true\nkillasgroup=true\n${lines}\n`
  );
}
