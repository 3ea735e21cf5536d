import { existsSync } from 'node:fs';
import { onPath, runToEnd } from './on-path.js';

const HOW =
  'No Redis to test with. Do one of: set REDIS_URL; start a Docker engine; install redis-server (Debian: apt-get install redis-server)';

/**
 * Where `redis-server` lies; on Debian, as root, its package is installed when it is missing.
 * @throws Error which says what to install
 */
export const redisBinary = (): string => {
  const found = onPath('redis-server');
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || onPath('apt-get') === undefined)
    throw new Error(HOW);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  try {
    runToEnd('apt-get', ['update', '-q'], env);
    runToEnd('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], env);
  } catch (error) {
    throw new Error(`${HOW}. Installing it here failed: ${String(error)}`, { cause: error });
  }
  const installed = onPath('redis-server');
  if (installed === undefined) throw new Error(`${HOW}. Its package was installed, but has no redis-server`);
  return installed;
};
