// npm run bench -- embedded [measure …] [--sessions N] [--effect CLASS]
// Prints JSON lines alone on its standard output, one per measure.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { asleep } from './measures/asleep.mjs';
import { cold } from './measures/cold.mjs';
import { drain } from './measures/drain.mjs';
import { latency } from './measures/latency.mjs';
import { startServer } from './server.mjs';

const MEASURES = { drain, latency, asleep, cold };
/** The servers that an engine needs beside the runtime: none yet but the runtime itself. */
const ENGINES = { embedded: {} };
const EFFECTS = ['pure', 'idempotent', 'compensatable', 'irreversible'];

const usage = (problem) => {
  process.stderr.write(
    `${problem}\nusage: npm run bench -- ${Object.keys(ENGINES).join('|')} [${Object.keys(MEASURES).join('|')} …] [--sessions N] [--effect ${EFFECTS.join('|')}]\n`,
  );
  process.exit(2);
};

const [engine, ...rest] = process.argv.slice(2);
const options = {};
const measures = [];
if (!Object.hasOwn(ENGINES, engine ?? '')) usage(`expected an engine, got ${engine ?? 'nothing'}`);
for (let i = 0; i < rest.length; i++) {
  const word = rest[i];
  if (word === '--sessions') {
    options.sessions = Number(rest[++i]);
    if (!Number.isInteger(options.sessions) || options.sessions < 1)
      usage(`--sessions takes a number from 1, got ${rest[i]}`);
  } else if (word === '--effect') {
    options.effect = rest[++i];
    if (!EFFECTS.includes(options.effect)) usage(`--effect takes an effect class, got ${rest[i]}`);
  } else if (Object.hasOwn(MEASURES, word)) measures.push(word);
  else usage(`expected a measure, got ${word}`);
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
if (!existsSync(path.join(root, 'dist/src/main.js')))
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });

for (const measure of measures.length > 0 ? measures : Object.keys(MEASURES)) {
  let server;
  try {
    server = await startServer({ env: ENGINES[engine] });
    const figures = await MEASURES[measure]({ server, ...options });
    process.stdout.write(`${JSON.stringify({ measure, engine, ...figures })}\n`);
  } catch (error) {
    process.stdout.write(
      `${JSON.stringify({ measure, error: error instanceof Error ? error.message : String(error) })}\n`,
    );
    process.exitCode = 1;
  } finally {
    await server?.stop();
  }
}
process.exit();
