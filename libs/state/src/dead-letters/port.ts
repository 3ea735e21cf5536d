import type { DeadLetter, Redrive } from '#contracts';

export interface DeadLetterQuery {
  tenant: string;
  reason?: string;
  topic?: string;
  sessionId?: string;
  /** true: only those that were published again; false: only those that weren't */
  redriven?: boolean;
  /** 1–500 */
  limit: number;
  /** from the page before; opaque */
  cursor?: string;
}

export interface KeptDeadLetter {
  letter: DeadLetter;
  /** oldest first */
  redriven: Redrive[];
}

/** Newest first. A page may be shorter than `limit` although `nextCursor` is there: a filter looked at its share. */
export interface DeadLetterPage {
  letters: KeptDeadLetter[];
  nextCursor?: string;
}

/**
 * The dead letters of the retention time, to be looked at and published again. The log's topic has them as well; here
 * they can be found without reading it.
 *
 * Promises
 * - A `put` that resolved is found by `get` and `list`, in every process (a list may lag by a second).
 * - The same id again is the same dead letter: it stays as it was.
 * - The cost of a page doesn't depend on how many there are.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`, `invalid_cursor`.
 */
export abstract class DeadLetterStore {
  /** Keeps a letter with its record's value. When it was is said by the store's clock. */
  abstract put(letter: Omit<DeadLetter, 'at'>, value: Buffer | null): Promise<DeadLetter>;
  abstract list(query: DeadLetterQuery): Promise<DeadLetterPage>;
  /** null: there is no such letter (any more) */
  abstract get(id: string): Promise<(KeptDeadLetter & { value: Buffer | null }) | null>;
  /** Remembers who had it published again; nothing happens when it isn't there (any more). Returns what it kept. */
  abstract markRedriven(id: string, redrive: Omit<Redrive, 'at'>): Promise<Redrive>;
  abstract close(): Promise<void>;
}
