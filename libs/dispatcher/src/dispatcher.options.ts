import type { EventContext } from '#contracts';
import type { Tracing } from '#telemetry';
import type { Timers } from '#transport';
import type { Clock } from './clock.js';

/** What a dispatcher process is told; all of it comes from the settings. */
export interface DispatcherOptions {
  /** of the observations that it publishes; `source` is `/dispatcher/<instance>` */
  events: EventContext;
  topics: { observation: string; deadLetter: string };
  /** tools in flight in this process */
  concurrency: number;
  /** how long a claim lives without renewal, ms */
  leaseMs: number;
  /** how long a recorded outcome is kept, ms */
  retentionMs: number;
  /** how long running tools get at a shutdown, ms */
  shutdownMs: number;
  /** a larger result, as JSON, is refused */
  resultLimitBytes: number;
  /** larger payloads of events lie in the store's blobs; bytes of JSON */
  inlineLimitBytes: number;
  /** undefined: spans are told to nobody */
  tracing?: Tracing | undefined;
  /** default: the system's */
  clock?: Clock;
  /** default: the system's */
  timers?: Timers;
  /** runs something when what is ready now has had its turn; default `setImmediate` */
  soon?: (run: () => void) => void;
  /** how long a run holds its record before its claim carries it on, ms; default 60 000 */
  holdMs?: number;
  /** a run that its claim carries on is tried alone when so many owners died over it; default: never */
  suspectAfter?: number;
  /** how exactly timeouts and waits are kept, ms; default 20 */
  pulseMs?: number;
}

export const DISPATCHER_OPTIONS = Symbol('DISPATCHER_OPTIONS');
