// Whether node_modules holds what package-lock.json asks for, and the way to get it there. Needs only what Node brings.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** True when node_modules holds, version by version, what package-lock.json asks for. */
export function isInstalled() {
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.devOptional) return true;
    return installed[path]?.version === entry.version && existsSync(join(root, path));
  });
}

/** `npm ci`; true when it succeeded. With `quiet` only its errors are seen. */
export function install({ quiet = false } = {}) {
  const args = quiet ? ['ci', '--loglevel=error'] : ['ci'];
  // an environment of production would leave out what the build needs
  const result = spawnSync(npm, [...args, '--include=dev'], {
    cwd: root,
    stdio: ['ignore', quiet ? 2 : 'inherit', 'inherit'],
  });
  if (result.error) console.error(`${npm}: ${result.error.message}`);
  return result.status === 0;
}
