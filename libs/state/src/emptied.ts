import { DormouseError } from '#contracts';
import type { SessionStore } from './port.js';

/** Why nothing is taken, and what to do about it. */
export const storeEmptied = (): DormouseError =>
  new DormouseError(
    'store_emptied',
    'The session store has lost its data (its marker is missing) and the log has sessions: nothing is accepted and nothing consumed until they are rebuilt. Run `dormouse rebuild`.',
    { retryable: true },
  );

/**
 * Whether a session that wasn't found has expired (true), or has come meanwhile (false). Rule 11: what is in the log and
 * not in the store is never taken for expired while the store may have been emptied.
 *
 * Errors: `store_emptied` (retryable), `unavailable`
 */
export const hasExpired = async (store: SessionStore, sessionId: string): Promise<boolean> => {
  // between two looks that find the marker a rebuild can't have emptied and filled it
  if (await store.isEmptied()) throw storeEmptied();
  if ((await store.load(sessionId)) !== null) return false;
  if (await store.isEmptied()) throw storeEmptied();
  return true;
};
