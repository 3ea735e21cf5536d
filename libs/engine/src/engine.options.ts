/**
 * What an acknowledged move outlives.
 *
 * - `process`: `kill -9`. The bytes are the operating system's when the move resolves; they are on the disk within
 *   100 ms, so a power cut may take the last moves (never a part of one, never an earlier one).
 * - `power`: a power cut too. A move resolves when the disk says that it has it: some milliseconds instead of some tens
 *   of microseconds.
 */
export type Durability = 'process' | 'power';

export interface EngineOptions {
  /** made if it isn't there; a local disk */
  dir: string;
  /** default `process` */
  durability?: Durability;
  /** the clock of everything on this engine, ms; default `Date.now` */
  clock?: () => number;
  /** a new journal file begins after so many bytes; default 64 MiB */
  segmentBytes?: number;
}
