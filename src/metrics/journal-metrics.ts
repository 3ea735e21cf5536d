import type { JournalCounts } from '#engine';
import { METRICS } from '#telemetry';
import { type Definition, single } from './definition.js';

const NAMES = METRICS.journal;

/** What the embedded engine put on the disk. */
export const journalMetrics = (counts: Readonly<JournalCounts>): Definition[] => [
  single('counter', NAMES.batches, 'Writes to the journal, each of many moves', () => counts.batches),
  single('counter', NAMES.bytes, 'Bytes of them', () => counts.bytes),
  single('counter', NAMES.flushes, 'Flushes of the disk', () => counts.flushes),
];
