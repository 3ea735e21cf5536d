import type { EventContext } from '#contracts';
import type { Tracing } from '#telemetry';
import type { Timers } from '#transport';
import type { Brain } from './brain.js';

/** How the commander lib is set up; `src` makes it from the environment. */
export interface CommanderOptions {
  /** what every event of ours carries; `source` is `/commander/<instance>` */
  events: EventContext;
  topics: { intent: string; observation: string };
  /** every brain that sessions may name */
  brains: readonly Brain[];
  /** how long a sealed claim is kept, ms */
  retentionMs: number;
  /** larger payloads of events go to the store's blobs; bytes of JSON. Default 256 KiB */
  inlineLimitBytes?: number;
  /** of a session's result and of results that others send; bytes of JSON. Default 8 MiB */
  resultLimitBytes?: number;
  /** undefined: spans are told to nobody */
  tracing?: Tracing | undefined;
  /** how often a brain that thinks long is checked for a cancel. Default 1 s */
  cancelPollMs?: number;
  /** default: the system's */
  timers?: Timers;
}

const KIB = 1024;
export const DEFAULT_INLINE_LIMIT_BYTES = 256 * KIB;
export const DEFAULT_RESULT_LIMIT_BYTES = 8 * KIB * KIB;
export const DEFAULT_CANCEL_POLL_MS = 1000;

/** Injection token of {@link CommanderOptions}. */
export const COMMANDER_OPTIONS = Symbol('CommanderOptions');
