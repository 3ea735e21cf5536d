import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cached } from './servers/cache-folder.js';
import { onPath, runToEnd } from './servers/on-path.js';

const PYTHON_HOW =
  'Install Python 3.9 or later with venv and pip (Debian: apt-get install python3 python3-venv python3-pip)';
const GO_HOW = 'Install Go 1.23 or later (Debian: apt-get install golang-go)';

const digestOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);

/**
 * A Python with the packages that `requirements` (a pip requirements file) names, in a virtual environment in the
 * cache folder: the path of its interpreter.
 *
 * @throws Error which says what to install
 */
export const pythonWith = (requirements: string): string => {
  const python = onPath('python3');
  if (python === undefined) throw new Error(`No Python to run ${requirements} with. ${PYTHON_HOW}`);
  try {
    const version = runToEnd(python, ['--version']);
    const folder = cached(`python-${digestOf(version, readFileSync(requirements, 'utf8'))}`, (making) => {
      runToEnd(python, ['-m', 'venv', making]);
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r'];
      runToEnd(join(making, 'bin', 'python'), [...pip, resolve(requirements)]);
    });
    return join(folder, 'bin', 'python');
  } catch (error) {
    throw new Error(`No Python to run ${requirements} with. ${PYTHON_HOW}. It failed: ${String(error)}`, {
      cause: error,
    });
  }
};

/** Builds the Go program in `folder`, modules included; the path of the executable, in the cache folder. @throws Error which says what to install */
export const goProgram = (folder: string): string => {
  const go = onPath('go');
  if (go === undefined) throw new Error(`No Go to build ${folder} with. ${GO_HOW}`);
  const sources = readdirSync(folder)
    .filter((name) => /(\.go|^go\.(mod|sum))$/.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  try {
    return cached(`go-${digestOf(runToEnd(go, ['version']), ...sources)}`, (making) => {
      runToEnd(go, ['build', '-C', folder, '-mod=readonly', '-o', making, '.']);
    });
  } catch (error) {
    throw new Error(`No Go to build ${folder} with. ${GO_HOW}. It failed: ${String(error)}`, {
      cause: error,
    });
  }
};
