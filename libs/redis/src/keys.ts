import { createHash } from 'node:crypto';
import { DormouseError, SESSION_ID } from '#contracts';

/**
 * The part of a key in braces: with it all keys of a session lie in one slot of a cluster.
 * An id that isn't of our form is hashed, since it could hold braces; `~` is in no id of ours.
 */
export const sessionTag = (sessionId: string): string =>
  SESSION_ID.test(sessionId)
    ? `{${sessionId}}`
    : `{~${createHash('sha256').update(sessionId).digest('base64url')}}`;

/** @throws DormouseError `invalid_settings` when keys of a session would not share a slot with it */
export const checkedPrefix = (prefix = ''): string => {
  if (/[{}]/.test(prefix))
    throw new DormouseError(
      'invalid_settings',
      `DORMOUSE_KEY_PREFIX: expected no braces, got ${prefix}: what is in braces decides where a key lies in a cluster`,
    );
  return prefix;
};

/** How many parts an index over all sessions has: each part is a key of its own, and so lies on one node of a cluster. */
export const SHARDS = 16;

/** The part that a session belongs to: FNV-1a, the same in every process and release. */
export const shardOf = (sessionId: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < sessionId.length; i++) {
    hash ^= sessionId.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
};
