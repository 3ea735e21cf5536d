// Compiles src/, libs/ and examples/ into dist/ and, on success, leaves a stamp that says when the build began.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.stamp');
const inputs = [
  'src',
  'libs',
  'examples',
  'package.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Newest modification time, in ms, of a file or of all files below a folder. Specs are not built. */
function newestMs(path) {
  if (path.endsWith('.spec.ts') || !existsSync(path)) return 0;
  const stat = statSync(path);
  // The folder's own time counts too: it is what changes when a file is removed.
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestMs(join(path, name))),
    stat.mtimeMs,
  );
}

/** True when dist/ is missing or any source changed since the last successful build began. */
export function isStale() {
  if (!existsSync(stamp)) return true;
  const builtMs = statSync(stamp).mtimeMs;
  return inputs.some((input) => newestMs(join(root, input)) > builtMs);
}

/** Builds; returns the compiler's exit code. The output goes to stderr when `quietStdout` is set. */
export function build({ quietStdout = false } = {}) {
  const startedAt = new Date();
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  if (!existsSync(nest)) {
    console.error(`Expected the packages of package-lock.json in node_modules; came none. Run npm ci first.`);
    return 1;
  }
  const result = spawnSync(process.execPath, [nest, 'build', 'dormouse'], {
    cwd: root,
    stdio: ['ignore', quietStdout ? 2 : 'inherit', 'inherit'],
  });
  const code = result.status ?? 1;
  if (code === 0) {
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, '');
    utimesSync(stamp, startedAt, startedAt);
  }
  return code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = build();
