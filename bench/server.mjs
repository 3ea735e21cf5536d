// Starts and stops the runtime under test as a process of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../scripts/node-flags.mjs';
import { request } from './client.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** With BENCH_PROFILE=<folder> the server leaves a CPU profile there, for Chrome's DevTools or speedscope. */
const FLAGS = [
  ...NODE_FLAGS,
  '--expose-gc',
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

/**
 * @param {{ env?: Record<string, string> }} [options]
 * @returns {Promise<{ url: string, pid: number, dataDir: string, startedAt: number, stop(): Promise<void> }>}
 */
export const startServer = async ({ env = {} } = {}) => {
  const port = await freePort();
  const dataDir = mkdtempSync(path.join(tmpdir(), 'dormouse-bench-'));
  const log = path.join(dataDir, 'server.log');
  const out = openSync(log, 'a');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...FLAGS, path.join(root, 'dist/src/main.js')], {
    cwd: root,
    stdio: ['ignore', out, out],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: String(port),
      DORMOUSE_DATA_DIR: path.join(dataDir, 'engine'),
      DORMOUSE_TOOLS: './bench/tools.mjs',
      ...env,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(late);
    rmSync(dataDir, { recursive: true, force: true });
  };
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  for (;;) {
    if (child.exitCode !== null) {
      const said = readFileSync(log, 'utf8').slice(-2000);
      rmSync(dataDir, { recursive: true, force: true });
      throw new Error(`the server left with code ${child.exitCode} before it was ready: ${said}`);
    }
    const ready = await request(url, 'GET', '/health/ready').catch(() => undefined);
    if (ready?.status === 200) return { url, pid: child.pid, dataDir, startedAt, stop };
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
};
