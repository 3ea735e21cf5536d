import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What tests fetch and build lies here, for the next run as well: `$XDG_CACHE_HOME/dormouse`, `~/.cache/dormouse`. */
export const cacheFolder = (): string => {
  const cache = process.env.XDG_CACHE_HOME;
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'dormouse');
};

/**
 * The path of `name` in the cache folder; if it isn't there, `make` makes it at the path it is given. Whole or not at
 * all: what a killed run leaves is never taken for it.
 *
 * @throws what `make` throws
 */
export const cached = (name: string, make: (path: string) => void): string => {
  const to = join(cacheFolder(), name);
  if (existsSync(to)) return to;
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'making-'));
  try {
    const making = join(folder, name);
    make(making);
    try {
      renameSync(making, to);
    } catch (error) {
      // another run was faster
      if (!existsSync(to)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return to;
};
