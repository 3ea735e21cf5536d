import type { EventContext } from '#contracts';

/** How the sweeper is set up; `src` makes it from the environment. */
export interface SchedulerOptions {
  /** of what it publishes; `source` is `/scheduler/<instance>` */
  events: EventContext;
  topics: { intent: string; observation: string };
  /** who reads them; absent: how much stands in the log before them isn't asked */
  groups?: { dispatcher: string; commander: string };
  /** how long a claim lives without renewal, ms: an intent that nobody claimed is repeated no sooner */
  leaseMs: number;
  /** sessions and claims that ended longer ago are dropped, ms */
  retentionMs: number;
  /** larger payloads of events lie in the store's blobs; bytes of JSON */
  inlineLimitBytes: number;
  /** how often the store is asked what is due, ms: how late a timer may be. Default 50 */
  pollMs?: number;
  /** chooses among what is due where other sweepers are at it too: 0 to 1. Default `Math.random` */
  random?: () => number;
  /** how long the audit rests between two passes, ms: at least, it rests as long as the last one took. Default 10 s */
  auditRestMs?: number;
  /** tells this process's auditor from the others. Default: the boot id */
  auditor?: string;
}

/** Injection token of {@link SchedulerOptions}. */
export const SCHEDULER_OPTIONS = Symbol('SchedulerOptions');
