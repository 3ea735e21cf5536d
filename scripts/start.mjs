// Runs the compiled application, building it first when dist/ is missing or older than its sources, with the packages
// that this takes.
// Signals are passed on to the application, and its exit code is this script's exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isStale } from './build.mjs';
import { install, isInstalled } from './installed.mjs';
import { helperFlags, nodeFlags } from './node-flags.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

if (isStale()) {
  if (!isInstalled() && !install({ quiet: true })) process.exit(1);
  const code = build({ quietStdout: true });
  if (code !== 0) process.exit(code);
}

const args = [
  ...nodeFlags(process.env.DORMOUSE_ROLES),
  ...helperFlags(),
  '--enable-source-maps',
  join(root, 'dist', 'src', 'main.js'),
  ...process.argv.slice(2),
];
const child = spawn(process.execPath, args, { stdio: 'inherit' });

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
