// npm run bench -- compare [--sessions N] [--rounds N] [--others FOLDER]
// Ours and what else is installed, in turn, on the same servers; prints a table of medians and spread. The lines of
// each run go to standard error.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { servers } from './engines.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The JSON lines that a command prints; it must end well. @returns {Promise<object[]>} */
const linesOf = (command, words, { cwd, env }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) reject(new Error(`${path.basename(cwd)}: ${words.join(' ')} ended with code ${code}`));
      else resolve(text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : [])));
    });
  });

/** What one run of a system told: sessions a second, p50 and p99 of one at a time in ms, CPU ms a session. */
const figures = (lines) => {
  const told = {};
  for (const line of lines) {
    if (line.error !== undefined) throw new Error(line.error);
    const cpu = line.cpu_ms_per_session;
    if (line.measure === 'drain' || line.what === 'limit') told.drain = line.sessions_per_s;
    if (line.measure === 'a_drain') told.drain = line.sessions_s;
    if (line.measure === 'latency') [told.p50, told.p99] = [line.p50_ms, line.p99_ms];
    if (line.measure === 'b_latency_ms') [told.p50, told.p99] = [line.p50, line.p99];
    if (typeof cpu === 'number') told.cpu = cpu + (line.servers_cpu_ms_per_session ?? 0);
    else if (cpu !== undefined) told.cpu = cpu.server + cpu.worker;
  }
  return told;
};

const ours = (engine, sessions) => ({
  name: `Dormouse, ${engine}`,
  run: async (env) => {
    const bench = (...words) => linesOf(process.execPath, ['run.mjs', engine, ...words], { cwd: here, env });
    return [...(await bench('latency')), ...(await bench('drain', '--sessions', String(sessions)))];
  },
});

/**
 * In the folder: `limit/limit.mjs`, which prints `{what: 'limit', sessions_per_s}`, and `peers/<name>/run.sh ab`, which
 * print `{measure: 'a_drain', sessions_s}` and `{measure: 'b_latency_ms', p50, p99}`. Those without `node_modules` are
 * passed over.
 */
const others = (folder, sessions) => {
  const env = { N: String(sessions), BENCH_N: String(sessions) };
  const installed = (cwd, file) =>
    existsSync(path.join(cwd, file)) && existsSync(path.join(cwd, 'node_modules'));
  const limit = path.join(folder, 'limit');
  const peers = path.join(folder, 'peers');
  return [
    ...(installed(limit, 'limit.mjs')
      ? [
          {
            name: 'limit',
            run: (at) => linesOf(process.execPath, ['limit.mjs'], { cwd: limit, env: { ...at, ...env } }),
          },
        ]
      : []),
    ...(existsSync(peers) ? readdirSync(peers).sort() : [])
      .map((name) => ({ name, cwd: path.join(peers, name) }))
      .filter(({ cwd }) => installed(cwd, 'run.sh'))
      .map(({ name, cwd }) => ({
        name,
        run: (at) => linesOf('bash', ['run.sh', 'ab'], { cwd, env: { ...at, ...env } }),
      })),
  ];
};

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const short = (number) => String(+number.toPrecision(number >= 1000 ? 4 : 3));
const spread = (numbers) =>
  numbers.length === 0
    ? '–'
    : `${short(median(numbers))} (${short(Math.min(...numbers))}..${short(Math.max(...numbers))})`;

const table = (systems, samples, sessions) => {
  const of = (name, figure) => samples.get(name).flatMap((sample) => sample[figure] ?? []);
  const own = systems.filter(({ name }) => name.startsWith('Dormouse')).map(({ name }) => name);
  // of each round on its own, since the machine is faster in one than in another
  const ratio = (mine, name) =>
    spread(
      samples.get(name).flatMap((sample, round) => {
        const me = samples.get(mine)[round];
        return sample.drain === undefined || me?.drain === undefined ? [] : [me.drain / sample.drain];
      }),
    );
  const rows = systems.map(({ name }) => [
    name,
    String(samples.get(name).length),
    spread(of(name, 'drain')),
    ...own.map((mine) => (mine === name ? '' : ratio(mine, name))),
    spread(of(name, 'p50')),
    spread(of(name, 'p99')),
    spread(of(name, 'cpu')),
  ]);
  const head = [
    'system',
    'rounds',
    `drain of ${sessions}, sessions/s`,
    ...own.map((mine) => `${mine} : it`),
    'latency p50, ms',
    'p99, ms',
    'CPU ms a session',
  ];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
};

/** @param {{ sessions?: number, rounds?: number, others?: string }} options */
export const compare = async ({ sessions = 2000, rounds = 3, others: folder }) => {
  const systems = [
    ours('embedded', sessions),
    ours('kafka', sessions),
    ...(folder === undefined ? [] : others(path.resolve(folder), sessions)),
  ];
  const samples = new Map(systems.map(({ name }) => [name, []]));
  const { brokers, redis, stop } = await servers();
  try {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < systems.length; i++) {
        const { name, run } = systems[(i + round) % systems.length];
        const told = await run({ KAFKA_BROKERS: brokers, REDIS_URL: redis }).then(figures, (error) => ({
          error: error.message,
        }));
        process.stderr.write(`${JSON.stringify({ round, name, ...told })}\n`);
        samples.get(name)[round] = told;
      }
    }
  } finally {
    await stop();
  }
  const [cpu] = os.cpus();
  process.stdout.write(
    `${os.cpus().length} × ${cpu?.model.trim()}, Node ${process.versions.node}, ${os.type()} ${os.release()}, ${new Date().toISOString()}\n\n` +
      `${table(systems, samples, sessions)}\n`,
  );
};
