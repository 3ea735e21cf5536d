import { readFileSync, rmSync } from 'node:fs';
import { damagedError, newerFolderError } from './engine.errors.js';
import { type ReadBatch, readBatches } from './batch.js';
import { listSegments, SEGMENT_HEADER, segmentPath } from './journal.js';
import { type Tree } from './tree.js';

/** Row of the tree: the number of the last batch that is wholly in it. No table has such a name. */
export const APPLIED = '!!applied';

/** What was found when the folder was opened. */
export interface Recovery {
  /** the last batch that survived */
  batch: number;
  /** the number for a new journal segment */
  segment: number;
  /** batches that were in the journal only */
  replayed: number;
  /** bytes of a batch that was never acknowledged */
  tornBytes: number;
}

const ROWS_PER_WRITE = 5000;

/** Moves what only the journal has into the tree, then deletes the journal. */
export const recover = async (dir: string, tree: Tree): Promise<Recovery> => {
  const segments = listSegments(dir);
  const applied = Number(tree.text(APPLIED) ?? 0);
  let batch = applied;
  let replayed = 0;
  let tornBytes = 0;
  let rows: ReadBatch['rows'] = [];

  for (const segment of segments) {
    if (tornBytes > 0)
      throw damagedError(
        dir,
        `expected whole batches before ${segmentPath(dir, segment)}; came ${tornBytes} bytes that are none`,
      );
    const bytes = readFileSync(segmentPath(dir, segment));
    const header = bytes.toString('latin1', 0, SEGMENT_HEADER.length);
    // shorter: killed while the segment was made
    if (header !== SEGMENT_HEADER.slice(0, header.length)) throw newerFolderError(dir, header.trim());
    const batches = readBatches(bytes, Math.min(SEGMENT_HEADER.length, bytes.length));
    for (let next = batches.next(); ; next = batches.next()) {
      if (next.done) {
        tornBytes = bytes.length - next.value;
        break;
      }
      if (next.value.number <= batch) continue;
      const { number } = next.value;
      if (number !== batch + 1)
        throw damagedError(
          dir,
          `expected batch ${batch + 1} after batch ${batch}; came batch ${number}, in ${segmentPath(dir, segment)}`,
        );
      batch = number;
      replayed++;
      for (const row of next.value.rows) rows.push(row);
      // in order, whole batches or not: the row APPLIED comes last and makes it count
      if (rows.length >= ROWS_PER_WRITE) {
        await tree.write(rows);
        rows = [];
      }
    }
  }
  if (replayed > 0) await tree.write([...rows, [APPLIED, String(batch)]]);
  for (const segment of segments) rmSync(segmentPath(dir, segment), { force: true });
  return { batch, segment: (segments.at(-1) ?? 0) + 1, replayed, tornBytes };
};
