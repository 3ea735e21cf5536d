import { afterEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TempDir, tempDir } from '#testing';

let children: ChildProcess[] = [];
let dirs: TempDir[] = [];

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const dir of dirs) dir.remove();
  children = [];
  dirs = [];
});

interface Process {
  child: ChildProcess;
  dataDir: string;
  output: () => string;
  exited: Promise<number | null>;
}

const run = (script: string[], env: Record<string, string> = {}): Process => {
  const dir = tempDir();
  dirs.push(dir);
  const dataDir = env.DORMOUSE_DATA_DIR ?? dir.path;
  const child = spawn(process.execPath, script, {
    env: { ...process.env, PORT: '0', NO_COLOR: '1', DORMOUSE_DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, dataDir, output: () => output, exited };
};

/** Resolves with the server's URL. */
const listening = async ({ child, output }: Process): Promise<string> => {
  for (;;) {
    const url = /listening on (http:\S+)/.exec(output())?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(`exited with ${child.exitCode}: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const START = ['scripts/start.mjs'];
const MAIN = ['dist/src/main.js'];
const CLI = ['dist/src/cli/main.js', 'start'];

describe('a server', () => {
  it.each([
    ['npm start', START, 'SIGTERM'],
    ['npm start', START, 'SIGINT'],
    ['dormouse start', CLI, 'SIGTERM'],
  ] as const)('started by %s (%s) exits 0 on %s', async (_name, script, signal) => {
    const server = run([...script]);
    const url = await listening(server);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    server.child.kill(signal);
    expect(await server.exited).toBe(0);
  });

  it('keeps its folder for itself, and leaves it to the next one', async () => {
    const first = run(MAIN);
    await listening(first);
    const second = run(MAIN, { DORMOUSE_DATA_DIR: first.dataDir });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain('Dormouse did not start:');
    expect(second.output()).toContain(first.dataDir);
    first.child.kill('SIGKILL');
    await first.exited;
    const third = run(MAIN, { DORMOUSE_DATA_DIR: first.dataDir });
    await listening(third);
  });

  it('takes options in place of variables', async () => {
    const server = run([...CLI, '--port', '0', '--host', '127.0.0.1'], { PORT: 'nonsense' });
    await listening(server);
  });
});

describe('a start that can’t be is told in one message, and exits 1', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a wrong setting',
      { DORMOUSE_LEASE_MS: 'soon' },
      /DORMOUSE_LEASE_MS: expected a whole number .*; came "soon"/,
    ],
    [
      'several',
      { PORT: 'x', DORMOUSE_DURABILITY: 'y' },
      /2 settings are wrong[^]*PORT[^]*DORMOUSE_DURABILITY/,
    ],
    ['Kafka alone', { KAFKA_BROKERS: 'localhost:9092' }, /REDIS_URL: expected to be set/],
    ['some roles alone', { DORMOUSE_ROLES: 'api' }, /DORMOUSE_ROLES[^]*KAFKA_BROKERS and REDIS_URL/],
    ['a folder that can’t be one', { DORMOUSE_DATA_DIR: '/dev/null/x' }, /DORMOUSE_DATA_DIR/],
    [
      'a tool file that isn’t there',
      { DORMOUSE_TOOLS: './no-such-tools.mjs' },
      /DORMOUSE_TOOLS[^]*no-such-tools\.mjs/,
    ],
    [
      'a database that isn’t there',
      { DORMOUSE_SQL_URL: 'sqlite:/no/such.db' },
      /DORMOUSE_SQL_URL[^]*no\/such\.db/,
    ],
    [
      'a name that is no host',
      { HOST: 'no-such-host.invalid' },
      /expected to listen on no-such-host\.invalid; [^]*HOST/,
    ],
    ['an address of another machine', { HOST: '192.0.2.1' }, /expected to listen on 192\.0\.2\.1[^]*HOST/],
  ])('%s', async (_what, env, message) => {
    const server = run(MAIN, env);
    expect(await server.exited).toBe(1);
    expect(server.output()).toMatch(message);
    expect(server.output()).not.toMatch(/^ +at |ERROR/m);
  });

  it('a taken port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const server = run(MAIN, { PORT: String(port) });
    expect(await server.exited).toBe(1);
    expect(server.output()).toMatch(
      new RegExp(`expected to listen on 127\\.0\\.0\\.1:${port}; another process`),
    );
    taken.close();
  });
});
