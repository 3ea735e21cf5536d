import { crc32 } from 'node:zlib';

/** Bytes before the operations of a batch: length and checksum (4 each), number (8). */
const HEADER = 16;
const DELETED = 0xffffffff;
const FIRST_CAPACITY = 1 << 20;
/** A batch that grew far beyond the usual (a payload of megabytes) gives its memory back. */
const KEPT_CAPACITY = 8 << 20;

/**
 * The writes of the moves that become durable together, encoded as they come:
 * `table (2) | key length (2) | value length (4), 0xffffffff: deleted | key | value` each, little-endian.
 */
export class Batch {
  private bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  private at = HEADER;

  get empty(): boolean {
    return this.at === HEADER;
  }

  /** For {@link rewind}. */
  get position(): number {
    return this.at;
  }

  /** Takes back what was added since `position`. */
  rewind(position: number): void {
    this.at = position;
  }

  /** @throws TypeError when the key isn't printable ASCII of 1–1000 characters */
  add(table: string, key: string, value: string | Buffer | null): void {
    const size = key.length;
    if (size === 0 || size > 1000) throw new TypeError(`key: expected 1–1000 characters, got ${size}`);
    // a character is at most three bytes in UTF-8
    this.reserve(
      8 + size + (value === null ? 0 : typeof value === 'string' ? value.length * 3 : value.length),
    );
    const { bytes, at } = this;
    bytes[at] = table.charCodeAt(0);
    bytes[at + 1] = table.charCodeAt(1);
    bytes[at + 2] = size & 0xff;
    bytes[at + 3] = size >>> 8;
    let end = at + 8;
    for (let i = 0; i < size; i++) {
      const code = key.charCodeAt(i);
      if (code < 0x20 || code > 0x7e)
        throw new TypeError(`key: expected printable ASCII, got ${JSON.stringify(key)}`);
      bytes[end++] = code;
    }
    let length = DELETED;
    if (typeof value === 'string') length = bytes.write(value, end, 'utf8');
    else if (value !== null) {
      bytes.set(value, end);
      length = value.length;
    }
    bytes.writeUInt32LE(length, at + 4);
    this.at = length === DELETED ? end : end + length;
  }

  /** The bytes to append to the journal; valid until the next `add`. */
  seal(number: number): Buffer {
    const { bytes, at } = this;
    bytes.writeUInt32LE(at - HEADER, 0);
    bytes.writeDoubleLE(number, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(8, at)), 4);
    return bytes.subarray(0, at);
  }

  clear(): void {
    this.at = HEADER;
    if (this.bytes.length > KEPT_CAPACITY) this.bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  }

  private reserve(size: number): void {
    const needed = this.at + size;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

/** A whole batch as it is read back. */
export interface ReadBatch {
  number: number;
  /** rows by their whole key (table and key); null: deleted */
  rows: [key: string, value: Buffer | null][];
}

/** The end of the batch at `at`; undefined: none is there whole. */
const wholeUntil = (bytes: Buffer, at: number): number | undefined => {
  if (at + HEADER > bytes.length) return undefined;
  const end = at + HEADER + bytes.readUInt32LE(at);
  return end <= bytes.length && crc32(bytes.subarray(at + 8, end)) === bytes.readUInt32LE(at + 4)
    ? end
    : undefined;
};

/** Where the first batch from `from` on begins that is whole and comes after batch `last`; undefined: there is none. */
const nextWhole = (bytes: Buffer, from: number, last: number): number | undefined => {
  for (let at = from; at + HEADER <= bytes.length; at++) {
    const number = bytes.readDoubleLE(at + 8);
    // hardly any other bytes make such a number: checksums are computed for nearly none
    if (Number.isSafeInteger(number) && number > last && wholeUntil(bytes, at) !== undefined) return at;
  }
  return undefined;
};

/**
 * The whole batches in `bytes`, in order; what can't be read between two of them is passed over, and seen by the number
 * that is missing. Returns where the last one ends: a process that was killed while it wrote leaves a tail that is cut
 * off, and nobody was told that it is durable.
 */
export function* readBatches(bytes: Buffer, from: number): Generator<ReadBatch, number> {
  let last = 0;
  let at = from;
  for (;;) {
    const end = wholeUntil(bytes, at);
    if (end === undefined) {
      const next = nextWhole(bytes, at, last);
      if (next === undefined) return at;
      at = next;
      continue;
    }
    last = bytes.readDoubleLE(at + 8);
    yield { number: last, rows: readRows(bytes.subarray(at + HEADER, end)) };
    at = end;
  }
}

const readRows = (bytes: Buffer): ReadBatch['rows'] => {
  const rows: ReadBatch['rows'] = [];
  for (let at = 0; at < bytes.length;) {
    const keyEnd = at + 8 + bytes.readUInt16LE(at + 2);
    const length = bytes.readUInt32LE(at + 4);
    const key = bytes.toString('latin1', at, at + 2) + bytes.toString('latin1', at + 8, keyEnd);
    at = length === DELETED ? keyEnd : keyEnd + length;
    rows.push([key, length === DELETED ? null : bytes.subarray(keyEnd, at)]);
  }
  return rows;
};
