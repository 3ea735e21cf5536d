/** Crockford's base32 alphabet: no I, L, O, U. https://www.crockford.com/base32.html */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 26 characters for 16 bytes (130 bits, the top two are zero). */
export const crockford26 = (bytes: Uint8Array): string => {
  let out = '';
  let acc = 0;
  // two leading zero bits make 130 a multiple of 5
  let bits = 2;
  for (let i = 0; i < 16; i++) {
    acc = (acc << 8) | (bytes[i] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET.charAt((acc >>> bits) & 31);
      acc &= (1 << bits) - 1;
    }
  }
  return out;
};

/** Asking for a few bytes at a time costs as much as for thousands. */
const POOL_BYTES = 4096;
let pool = new Uint8Array(0);
let used = 0;

/** Random bytes that nobody else got. @param count at most {@link POOL_BYTES} */
const randomBytes = (count: number): Uint8Array => {
  if (used + count > pool.length) {
    pool = globalThis.crypto.getRandomValues(new Uint8Array(POOL_BYTES));
    used = 0;
  }
  used += count;
  return pool.slice(used - count, used);
};

let lastMs = 0;
let counter = 0;

/** A UUIDv7 (RFC 9562, method 1: a 12-bit counter keeps ids of one millisecond in order), as 16 bytes. */
export const uuidv7 = (nowMs: number): Uint8Array => {
  const bytes = randomBytes(16);
  let ms = nowMs;
  if (ms <= lastMs) {
    ms = lastMs;
    counter = (counter + 1) & 0xfff;
    if (counter === 0) ms += 1;
  } else counter = 0;
  lastMs = ms;
  for (let i = 5, rest = ms; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = 0x70 | (counter >>> 8);
  bytes[7] = counter & 0xff;
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes;
};

/** A fresh session id: `sess-` and 26 characters, ordered by time of creation. */
export const newSessionId = (nowMs: number): string => `sess-${crockford26(uuidv7(nowMs))}`;

/** What a session id of ours looks like; a foreign one that doesn't is hashed for keys and kept verbatim in events. */
export const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Deterministic, so that publishing twice is the same intent: `<session id>.<step>.<index within the step>`. */
export const intentId = (sessionId: string, step: number, index: number): string =>
  `${sessionId}.${String(step)}.${String(index)}`;

/** The observation of an intent has one id, whoever publishes it and however often. */
export const resultId = (intent: string): string => `${intent}.result`;

/** The answer of a person for an intent has one id: there is at most one. */
export const resolutionId = (intent: string): string => `${intent}.resolution`;

/**
 * The id of what a person wrote to a session: a message with an Idempotency-Key has one id, however often it is sent.
 *
 * @param suffix of the key; without one the version of the snapshot that it is set down in
 */
export const messageId = (sessionId: string, suffix: string): string => `${sessionId}.message.${suffix}`;

/** Whether an event's id is that of a message. */
export const isMessageId = (sessionId: string, id: string): boolean =>
  id.startsWith(messageId(sessionId, ''));

/** Whether an intent may run is answered once. */
export const approvalId = (intent: string): string => `${intent}.approval`;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const hex = (bytes: Uint8Array): string => {
  let out = '';
  for (const byte of bytes) out += HEX[byte] ?? '';
  return out;
};

/** A W3C trace id: 32 hex digits. https://www.w3.org/TR/trace-context/ */
export const newTraceId = (): string => hex(randomBytes(16));
/** A W3C span id: 16 hex digits. */
export const newSpanId = (): string => hex(randomBytes(8));
