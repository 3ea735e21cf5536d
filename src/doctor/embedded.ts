import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Finding, unknown, well, wrong } from '#contracts';
import { type Holder, holderOf } from '#engine';
import type { Settings } from '../config/index.js';

const CHECK = 'DORMOUSE_DATA_DIR';
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The folder itself, or the nearest one above it that is there. */
const nearest = async (path: string): Promise<string> =>
  (await exists(path)) || dirname(path) === path ? path : nearest(dirname(path));

const folderFinding = async (dataDir: string, holder: Holder | 'unknown' | null): Promise<Finding> => {
  if (holder === 'unknown') return unknown(CHECK, `${dataDir} is held by a process that does not answer`);
  if (holder !== null)
    return well(CHECK, `${dataDir}, in use by process ${holder.pid} on ${holder.host} since ${holder.since}`);
  const place = await nearest(dataDir);
  const isFolder = (await stat(place)).isDirectory();
  const canWrite = await access(place, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isFolder || !canWrite)
    return wrong(CHECK, {
      expected: 'a folder on a local disk that can be written',
      came: `${place}, ${isFolder ? 'which this user may not write to' : 'which is no folder'}`,
      advice: 'Set DORMOUSE_DATA_DIR to a folder of this user, or grant the right.',
    });
  return well(CHECK, place === dataDir ? `${dataDir}, which no process uses` : `${dataDir} will be made`);
};

export interface EmbeddedLook {
  findings: Finding[];
  /** a process has the folder */
  runs: boolean;
}

/** What can be seen of the embedded engine without disturbing the process that may have it. */
export const lookAtEmbedded = async ({
  engine: { dataDir, durability },
}: Settings): Promise<EmbeddedLook> => {
  const holder = (await exists(dataDir)) ? await holderOf(dataDir) : null;
  return {
    runs: holder !== null,
    findings: [
      await folderFinding(dataDir, holder),
      well(
        'DORMOUSE_DURABILITY',
        durability === 'power'
          ? 'power: what is acknowledged outlives a power cut'
          : 'process: what is acknowledged outlives kill -9; a power cut may take the last 100 ms (power: nothing)',
      ),
    ],
  };
};
