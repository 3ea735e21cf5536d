import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from './index.js';
import { FolderLock } from './folder-lock.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-lock-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const sockets = (folder = dir): string[] => readdirSync(folder).filter((name) => name.includes('.sock'));

describe('the lock of a folder', () => {
  it('is refused while it is held, and free after its release', async () => {
    const lock = await FolderLock.take(dir);
    await expect(FolderLock.take(dir)).rejects.toMatchObject({
      code: 'data_dir_in_use',
      details: { pid: process.pid },
    });
    await lock.release();
    await (await FolderLock.take(dir)).release();
    expect(sockets()).toEqual([]);
  });

  it('goes to exactly one of many at once', async () => {
    for (let round = 0; round < 10; round++) {
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(dir)));
      const won = tries.filter((one) => one.status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'data_dir_in_use' });
      for (const one of won) await one.value.release();
    }
  });

  it('ignores and removes the socket of a process that is gone', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, 'x'), resolve));
    const left = join(dir, 'holder-0123456789abcdef.sock');
    // moved, so that the end of the listening leaves it there, as a kill does
    renameSync(join(dir, 'x'), left);
    await new Promise((resolve) => server.close(resolve));
    expect(sockets()).toHaveLength(1);
    const lock = await FolderLock.take(dir);
    expect(sockets()).toHaveLength(1);
    expect(sockets()).not.toContain('holder-0123456789abcdef.sock');
    await lock.release();
  });

  it('takes somebody who listens and does not answer for a holder', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, 'holder-0123456789abcdef.sock'), resolve));
    await expect(FolderLock.take(dir)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    expect(sockets()).toEqual(['holder-0123456789abcdef.sock']);
    server.close();
  });

  it('holds in a folder whose path is too long for a socket', async () => {
    const deep = join(dir, 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(deep, { recursive: true });
    const lock = await FolderLock.take(deep);
    expect(sockets(deep)).toHaveLength(1);
    await expect(FolderLock.take(deep)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await lock.release();
    expect(sockets(deep)).toEqual([]);
  });
});

describe('an engine', () => {
  it('is opened once, under whatever name its folder has', async () => {
    const engine = await Engine.open({ dir });
    await expect(Engine.open({ dir: `${dir}/../${dir.split('/').at(-1) ?? ''}` })).rejects.toMatchObject({
      code: 'data_dir_in_use',
    });
    await engine.close();
    await (await Engine.open({ dir })).close();
  });

  it('names the setting when the folder is a file', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(Engine.open({ dir: join(dir, 'file') })).rejects.toMatchObject({
      code: 'invalid_settings',
      message: expect.stringContaining('DORMOUSE_DATA_DIR'),
    });
  });
});
