// One process of the built runtime.
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { helperFlags, nodeFlags } from '../scripts/node-flags.mjs';
import { request } from './client.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '..');

/** With BENCH_PROFILE=<folder> each process leaves a CPU profile there, for Chrome's DevTools or speedscope. */
const flags = (roles) => [
  ...nodeFlags(roles),
  ...helperFlags(),
  '--expose-gc',
  '--import',
  path.join(here, 'memory.mjs'),
  ...(process.env.BENCH_PROFILE
    ? ['--cpu-prof', '--cpu-prof-dir', path.resolve(process.env.BENCH_PROFILE)]
    : []),
];

/** CPU time that a process has used, ms: tells two runs apart when the machine has other work. */
export const cpuMs = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export class RuntimeProcess {
  constructor(child, url, log) {
    this.child = child;
    this.url = url;
    this.log = log;
    this.exited = new Promise((resolve) => child.once('exit', resolve));
    this.kill = () => child.kill('SIGKILL');
    process.once('exit', this.kill);
  }

  /** Resolves when the process says that it is ready. @param {string} name of its log in the folder */
  static async start(name, folder, env) {
    const port = await freePort();
    const log = path.join(folder, `${name}.log`);
    const out = openSync(log, 'a');
    const child = spawn(
      process.execPath,
      [...flags(env.DORMOUSE_ROLES), path.join(root, 'dist/src/main.js')],
      {
        cwd: root,
        stdio: ['ignore', out, out, 'ipc'],
        env: { ...process.env, NODE_ENV: 'production', PORT: String(port), ...env },
      },
    );
    const started = new RuntimeProcess(child, `http://127.0.0.1:${port}`, log);
    await started.ready();
    return started;
  }

  async ready() {
    for (;;) {
      const { exitCode } = this.child;
      if (exitCode !== null)
        throw new Error(
          `a process left with code ${exitCode} before it was ready: ${readFileSync(this.log, 'utf8').slice(-2000)}`,
        );
      const ready = await request(this.url, 'GET', '/health/ready').catch(() => undefined);
      if (ready?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  /** Anonymous resident bytes of this moment: mapped files are not counted. */
  anonymousBytes() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }

  cpuMs() {
    return cpuMs(this.child.pid);
  }

  /** {@link anonymousBytes} after forced collections. */
  async residentBytes() {
    await new Promise((resolve, reject) => {
      this.child.once('message', resolve);
      this.child.send('collect', (error) => error && reject(error));
    });
    return this.anonymousBytes();
  }

  async stop() {
    this.child.kill('SIGTERM');
    const late = setTimeout(this.kill, 15_000);
    await this.exited;
    clearTimeout(late);
    process.removeListener('exit', this.kill);
  }
}
