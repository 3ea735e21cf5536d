import type { HistoryEntry, PendingIntent, Snapshot, StoredTimelineEntry } from '#contracts';

/** Why an input changes nothing. */
export type IgnoreReason =
  /** the session has ended */
  | 'ended'
  /** applied before */
  | 'duplicate'
  /** its intent isn't pending: answered before, or never ours */
  | 'not_pending'
  /** without an intent id, and it can't be told which intent it answers */
  | 'unattributable'
  /** a timer whose time hasn't come, or that nobody waits for */
  | 'not_due'
  /** a person's answer that nobody waits for */
  | 'not_awaited'
  /** a message to a session that hasn't begun: it is read then */
  | 'not_begun'
  /** an answer to a question that wasn't asked in this state */
  | 'not_asked';

/** What the interpreter does next. */
export type Next =
  /** Nothing changed; `republish`: the outbox may not have reached the log, publish it again. */
  | { kind: 'ignore'; reason: IgnoreReason; republish: boolean }
  /** Seal these before anything is written; the answers come back as `sealed`. */
  | { kind: 'seal'; intents: readonly PendingIntent[] }
  /**
   * Ask the brain; comes back as `decision` or `think_failed`. `resumed`: outcomes were applied before this step without
   * asking it.
   */
  | { kind: 'think'; resumed?: boolean }
  /** Ask the brain for compensations and for what the session leaves behind; comes back as `conclusion` or `think_failed`. */
  | { kind: 'conclude' }
  /**
   * Write it all in one compare-and-set, publish the outbox, forget the claims. `passedOver`: the observation changes
   * nothing, and what is written is that it was taken.
   */
  | { kind: 'commit'; wakeAt: number | null; passedOver?: IgnoreReason };

/** What a transition asks for, as data. Those of the transitions of one step add up. */
export interface Effects {
  /** append to the history */
  history: readonly HistoryEntry[];
  /** append to the timeline */
  timeline: readonly StoredTimelineEntry[];
  /** intents whose claims are dropped after the commit */
  forget: readonly PendingIntent[];
  next: Next;
}

export interface Transition {
  snapshot: Snapshot;
  effects: Effects;
}
