import type { Backoff } from './backoff.js';
import type { Delivery } from './delivery.js';
import type { LogRecord, PartitionPosition, Transport } from './port.js';
import type { Timers } from './timers.js';

/**
 * Runs one record. Resolved, or `undefined` at once: the record is finished. Rejected or thrown: it is handed over
 * again after a delay; until then its key stands still, others go on.
 */
export type RecordHandler = (record: LogRecord, delivery: Delivery) => Promise<void> | undefined;

export interface KeyOrderedConsumerOptions {
  transport: Transport;
  topic: string;
  group: string;
  handler: RecordHandler;
  /**
   * `key` (the default): the records of one key are run one after the other. `none`: all run side by side, as intents
   * may: those of a session are parallel tool calls.
   */
  order?: 'key' | 'none';
  /** handlers that run at one time, over all partitions; default 256 */
  maxInFlight?: number;
  /** records in memory that aren't begun, before partitions are paused; default 2 × `maxInFlight` */
  maxQueued?: number;
  /** the same in bytes of their values; default 64 MiB */
  maxQueuedBytes?: number;
  /** records of one key in memory that aren't begun, before its partition is paused; default 64 */
  maxQueuedPerKey?: number;
  /** how long after a change positions are committed, and so what a crash may repeat; default 250 */
  commitIntervalMs?: number;
  /** the same when nothing is left to do; default 20 */
  idleCommitMs?: number;
  backoff?: Backoff;
  /** how long `drain` still waits for handlers whose signal it aborted; default 1000 */
  abortedMs?: number;
  /** The subscription is dead: no record will come to this consumer. Called once. */
  onDead?: (error: Error) => void;
  /** These partitions are ours from now on; called before their records come. */
  onAssigned?: (positions: readonly PartitionPosition[]) => void;
  /** These aren't any more. */
  onLost?: (partitions: readonly number[]) => void;
  /** A handler failed and will be called again in `delayMs`. */
  onRetry?: (error: unknown, delivery: Delivery, delayMs: number) => void;
  timers?: Timers;
  /** at least 0, below 1; default `Math.random` */
  random?: () => number;
}

/** A consumer in numbers; those without a unit count records since the start. */
export interface ConsumerStats {
  topic: string;
  group: string;
  /** partitions that are ours */
  partitions: number;
  /** partitions of them that are paused */
  paused: number;
  /** handlers that run now */
  inFlight: number;
  /** how many may run at one time */
  maxInFlight: number;
  /** records in memory that aren't begun, now */
  queued: number;
  /** records that failed and wait for their next try, now */
  waiting: number;
  finished: number;
  /** records that came again and were skipped */
  skipped: number;
  /** handlers that were called again after a failure */
  retries: number;
  commits: number;
  /** commits that the log refused because a partition isn't ours any more */
  fenced: number;
  commitFailures: number;
  /** when a record was last finished; before that, when the consumer was made; ms since the epoch */
  lastProgressAt: number;
  /** why the subscription ended */
  dead: Error | null;
}
