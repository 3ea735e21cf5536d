// The built runtime as a child process: all roles, a free port, a data folder of its own.
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const START_MS = 30_000;
const STOP_MS = 15_000;
/** The quickstart is one process on the embedded engine, whatever else this shell is set up for. */
const LEFT_OUT = [
  'KAFKA_BROKERS',
  'REDIS_URL',
  'DORMOUSE_ROLES',
  'DORMOUSE_TOOLS',
  'DORMOUSE_EXTERNAL_TOOLS',
  'DORMOUSE_URL',
];

/**
 * Starts it; resolves when it listens.
 * @returns {Promise<{ url: string, stop(): Promise<void> }>}
 */
export async function startRuntime({ folder, database }) {
  const logFile = join(folder, 'runtime.log');
  const log = createWriteStream(logFile);
  const env = {
    ...process.env,
    PORT: '0',
    HOST: '127.0.0.1',
    DORMOUSE_DATA_DIR: join(folder, 'engine'),
    DORMOUSE_SQL_URL: `sqlite:${database}`,
    NO_COLOR: '1',
  };
  for (const name of LEFT_OUT) delete env[name];
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist', 'src', 'main.js')], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C goes to this script alone, which stops the child in order
    detached: process.platform !== 'win32',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.stderr.pipe(log, { end: false });
  child.stdout.pipe(log, { end: false });

  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(kill, STOP_MS);
    await exited;
    clearTimeout(late);
    process.off('exit', kill);
    log.end();
  };
  const url = await new Promise((resolve, reject) => {
    let output = '';
    const late = setTimeout(
      () => reject(new Error(`it did not listen within ${START_MS / 1000} s`)),
      START_MS,
    );
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /listening on (http:\S+)/.exec(output);
      if (found === null) return;
      clearTimeout(late);
      child.off('exit', left);
      resolve(found[1]);
    });
    const left = (code, signal) => {
      clearTimeout(late);
      // the log is written in the background: give it this turn
      setImmediate(() =>
        reject(new Error(`it left with ${code ?? signal}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)),
      );
    };
    child.once('exit', left);
  }).catch(async (error) => {
    await stop();
    throw new Error(`The runtime did not start: ${error.message}`);
  });
  return { url, stop };
}
