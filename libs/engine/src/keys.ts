import { createHash } from 'node:crypto';

const PLAIN = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * A part of a key: the text itself if it is short and plain, else `~` and its SHA-256. Holds no `|`, which separates
 * parts, so that keys of different parts are never equal.
 */
export const keyPart = (text: string): string =>
  PLAIN.test(text) ? text : `~${createHash('sha256').update(text).digest('base64url')}`;

/** The range of all keys that begin with `part` and `|`. */
export const under = (part: string): { start: string; end: string } => ({
  start: `${part}|`,
  end: `${part}}`,
});

const LATEST = 999_999_999_999_999;

/** A time in ms as a part of a key: ordered as the times are. */
export const timePart = (ms: number): string =>
  String(Math.min(Math.max(Math.trunc(ms), 0), LATEST)).padStart(15, '0');
