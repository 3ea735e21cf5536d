import { existsSync, readFileSync } from 'node:fs';

/** Looks for our package.json above this file: compiled code lies deeper than its source. */
const versionOf = (): string => {
  for (let at = new URL('../', import.meta.url); ; at = new URL('../', at)) {
    const file = new URL('package.json', at);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    if (at.pathname === '/') return 'unknown';
  }
};

/** The release, as package.json has it. */
export const VERSION = versionOf();
