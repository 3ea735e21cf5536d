import { DormouseError } from '#contracts';

/** Replies of a server that can't do it now, but may soon. */
const NOT_NOW = /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|MISCONF|OOM|NOREPLICAS|MOVED|ASK)\b/;
const NOT_ALLOWED = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

/**
 * What an error of the client means.
 * - `again`: the call may have happened or not, and is worth another try
 * - `refused`: no try will help until somebody changes something
 * - `bug`: the call itself is wrong
 */
export const faultOf = (error: unknown): 'again' | 'refused' | 'bug' => {
  if (!(error instanceof Error)) return 'bug';
  if (NOT_ALLOWED.test(error.message)) return 'refused';
  if (error.name === 'ReplyError') return NOT_NOW.test(error.message) ? 'again' : 'bug';
  // everything else that the client raises is about the connection
  return 'again';
};

export const unavailable = (place: string, cause: unknown): DormouseError =>
  new DormouseError(
    'unavailable',
    `Redis at ${place} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
    { retryable: true, cause },
  );

export const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open connection to Redis, but it was closed');

/** @throws DormouseError `newer_version` */
export const checkVersion = (v: number, known: number, what: string): void => {
  if (v > known)
    throw new DormouseError(
      'newer_version',
      `expected ${what} of version ${known} or earlier, got ${v}: run the release that wrote it`,
    );
};
