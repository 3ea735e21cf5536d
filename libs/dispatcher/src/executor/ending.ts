import type { Json } from '#contracts';

/** Why a run's signal was aborted. */
export type AbortCause =
  | 'timeout'
  /** it has sent no heartbeat for too long */
  | 'idle'
  /** the session doesn't want it any more */
  | 'cancelled'
  /** another dispatcher holds the claim */
  | 'lost'
  | 'shutdown';

/** How a run ended, before anyone says what that means. */
export type Ending =
  | { kind: 'returned'; value: unknown }
  /** `cause`: its signal was aborted before, by us */
  | { kind: 'threw'; error: unknown; cause: AbortCause | undefined; heartbeat: Json | undefined }
  /** it didn't end, or sent no heartbeat, in time; `late` is how it ends after all */
  | {
      kind: 'timeout';
      cause: 'timeout' | 'idle';
      timeoutMs: number;
      late: Promise<Ending>;
      heartbeat: Json | undefined;
    };
