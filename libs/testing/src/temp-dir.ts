import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir {
  path: string;
  /** Removes it with all that is in it; again does nothing. */
  remove(): void;
}

const open = new Set<string>();
let watching = false;

const removeAll = (): void => {
  for (const path of open) rmSync(path, { recursive: true, force: true });
  open.clear();
};

/** A fresh directory, removed by `remove()`, or else when the process ends. */
export const tempDir = (prefix = 'dormouse'): TempDir => {
  if (!watching) {
    watching = true;
    process.once('exit', removeAll);
  }
  const path = mkdtempSync(join(tmpdir(), `${prefix}-`));
  open.add(path);
  return {
    path,
    remove: () => {
      open.delete(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
};
