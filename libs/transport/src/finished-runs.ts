/*
 * What is finished above the low watermark, as text for a committed position:
 *
 *   r1:<base64url of varints>
 *
 * The numbers are run lengths, by turns unfinished and finished, beginning at the position's offset. Most records
 * finish nearly in order, so a few bytes say much: 7 bytes for one slow record with a thousand finished behind it.
 * The prefix is the version: a reader that doesn't know it ignores the text, and records are run again.
 */

const PREFIX = 'r1:';

/** Ascending, apart from each other, two numbers per run: its first offset, and the one after its last. */
export type Runs = number[];

const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** The most bytes of varints that fit into `maxChars` characters of metadata. */
const bytesWithin = (maxChars: number): number => Math.floor(((maxChars - PREFIX.length) * 3) / 4);

const varintBytes = (n: number): number => {
  let bytes = 1;
  for (let rest = n; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
};

/**
 * Not below the length of what {@link encodeRuns} gives for `runs` runs between two offsets that are `width` apart.
 * Known without looking at the runs: a number `n` takes at most `1 + n / 128` bytes, and the numbers' sum is `width`.
 */
export const metadataCharsAtMost = (runs: number, width: number): number => {
  if (runs === 0) return 0;
  const bytes = Math.min(2 * runs + width / 128, 2 * runs * varintBytes(width));
  return PREFIX.length + Math.ceil((bytes * 4) / 3);
};

/**
 * @param base the low watermark; no run begins below it
 * @param maxChars what doesn't fit is left out from the far end: those records will run again after a crash
 * @returns '' when nothing is to be said
 */
export const encodeRuns = (base: number, runs: Readonly<Runs>, maxChars: number): string => {
  const budget = bytesWithin(maxChars);
  const bytes: number[] = [];
  let from = base;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const start = runs[i] ?? 0;
    const end = runs[i + 1] ?? 0;
    if (bytes.length + varintBytes(start - from) + varintBytes(end - start) > budget) break;
    for (const n of [start - from, end - start]) {
      let rest = n;
      for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
      bytes.push(rest);
    }
    from = end;
  }
  return bytes.length === 0 ? '' : PREFIX + Buffer.from(bytes).toString('base64url');
};

/** The numbers of a varint text, or null when it isn't one. */
const readVarints = (text: string): number[] | null => {
  if (!BASE64URL.test(text)) return null;
  const numbers: number[] = [];
  let n = 0;
  let unit = 1;
  for (const byte of Buffer.from(text, 'base64url')) {
    n += (byte % 128) * unit;
    if (n > Number.MAX_SAFE_INTEGER) return null;
    if (byte >= 128) unit *= 128;
    else {
      numbers.push(n);
      n = 0;
      unit = 1;
    }
  }
  return unit === 1 && numbers.length % 2 === 0 ? numbers : null;
};

/** The runs that were finished above `base`; none when the text is empty, unreadable or of another version. */
export const decodeRuns = (base: number, metadata: string): Runs => {
  if (!metadata.startsWith(PREFIX)) return [];
  const numbers = readVarints(metadata.slice(PREFIX.length));
  if (numbers === null) return [];
  const runs: Runs = [];
  let at = base;
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const skipped = numbers[i] ?? 0;
    const length = numbers[i + 1] ?? 0;
    if (length === 0 || (skipped === 0 && i > 0)) return [];
    const start = at + skipped;
    at = start + length;
    if (at > Number.MAX_SAFE_INTEGER) return [];
    runs.push(start, at);
  }
  return runs;
};
