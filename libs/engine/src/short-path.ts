import { closeSync, existsSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` of a unix socket has 108 bytes on Linux, 104 on macOS and BSD, the last one zero. */
const LONGEST = 103;

/** Another name for a folder, for use in socket addresses. */
export interface ShortFolder {
  path: string;
  release(): void;
}

/**
 * A name of `dir` that leaves `room` bytes for a socket in it: itself, or the open folder under /proc (Linux), or a
 * link in the folder for temporary files.
 */
export const shortFolder = (dir: string, room: number): ShortFolder => {
  const fits = (path: string): boolean => Buffer.byteLength(path) + 1 + room <= LONGEST;
  if (fits(dir)) return { path: dir, release: () => undefined };
  if (existsSync('/proc/self/fd')) {
    const fd = openSync(dir, 'r');
    return { path: `/proc/self/fd/${fd}`, release: () => closeSync(fd) };
  }
  const link = join(tmpdir(), `dm-${randomBytes(6).toString('hex')}`);
  if (!fits(link)) throw new Error(`the path is too long for a socket: ${dir}`);
  symlinkSync(dir, link);
  return { path: link, release: () => rmSync(link, { force: true }) };
};
