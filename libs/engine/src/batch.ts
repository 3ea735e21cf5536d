import { crc32 } from 'node:zlib';
import { type Slabs } from './slabs.js';
import { Entry } from './table.js';

/** Bytes before the operations of a batch: length and checksum (4 each), number (8). */
const HEADER = 16;
const DELETED = 0xffffffff;
const EMPTY = Buffer.alloc(0);
/** Parts are one value; null deletes. */
export type RowValue = string | Buffer | readonly (string | Buffer)[] | null;

/** Text this short stays as it is: it needs no decoding, and mostly is somebody's already. */
const SHORT_CHARS = 64;

/** A character is at most three bytes in UTF-8. */
const mostBytes = (value: RowValue): number => {
  if (value === null) return 0;
  if (typeof value === 'string') return value.length * 3;
  return Buffer.isBuffer(value) ? value.length : value.reduce((sum, part) => sum + mostBytes(part), 0);
};

/**
 * The writes of the moves that become durable together, encoded as they come:
 * `table (2) | key length (2) | value length (4), 0xffffffff: deleted | key | value` each, little-endian. These bytes are
 * where the rows' values lie until they are in the tree.
 */
export class Batch {
  private slab: Buffer = EMPTY;
  private start = 0;
  private at = HEADER;

  constructor(private readonly slabs: Slabs) {}

  get empty(): boolean {
    return this.position === HEADER;
  }

  /** For {@link rewind}. */
  get position(): number {
    return this.at - this.start;
  }

  /** Takes back what was added since `position`. */
  rewind(position: number): void {
    this.at = this.start + position;
  }

  /**
   * Adds a write; null deletes.
   * @param number of this batch
   * @returns the row as it is from now on
   * @throws TypeError when the key isn't printable ASCII of 1–1000 characters
   */
  add(table: string, key: string, value: RowValue, number: number, fresh: boolean): Entry {
    const size = key.length;
    if (size === 0 || size > 1000) throw new TypeError(`key: expected 1–1000 characters, got ${size}`);
    this.reserve(8 + size + mostBytes(value));
    const { slab, at } = this;
    slab[at] = table.charCodeAt(0);
    slab[at + 1] = table.charCodeAt(1);
    slab[at + 2] = size & 0xff;
    slab[at + 3] = size >>> 8;
    let end = at + 8;
    for (let i = 0; i < size; i++) {
      const code = key.charCodeAt(i);
      if (code < 0x20 || code > 0x7e)
        throw new TypeError(`key: expected printable ASCII, got ${JSON.stringify(key)}`);
      slab[end++] = code;
    }
    if (value === null) {
      slab.writeUInt32LE(DELETED, at + 4);
      this.at = end;
      return new Entry(null, null, 0, 0, number, fresh);
    }
    const length = this.write(value, end);
    slab.writeUInt32LE(length, at + 4);
    this.at = end + length;
    return typeof value === 'string' && value.length <= SHORT_CHARS
      ? new Entry(value, null, 0, 0, number, fresh)
      : new Entry(null, slab, end, length, number, fresh);
  }

  /** The bytes to append to the journal. */
  seal(number: number): Buffer {
    const { slab, start, at } = this;
    slab.writeUInt32LE(at - start - HEADER, start);
    slab.writeDoubleLE(number, start + 8);
    slab.writeUInt32LE(crc32(slab.subarray(start + 8, at)), start + 4);
    return slab.subarray(start, at);
  }

  /** Begins the next batch behind this one. */
  clear(): void {
    this.start = this.at;
    this.at = this.start + HEADER;
  }

  /** The slabs of everything so far, while it is empty: from now on it writes into others. */
  leave(): Buffer[] {
    this.slab = EMPTY;
    this.start = 0;
    this.at = HEADER;
    return this.slabs.takeUsed();
  }

  private write(value: NonNullable<RowValue>, at: number): number {
    if (typeof value === 'string') return this.slab.write(value, at, 'utf8');
    if (!Buffer.isBuffer(value)) return value.reduce((sum, part) => sum + this.write(part, at + sum), 0);
    this.slab.set(value, at);
    return value.length;
  }

  private reserve(size: number): void {
    const needed = this.at + size;
    if (needed <= this.slab.length) return;
    const { start, position } = this;
    // what it has so far lies in both from now on: its entries stay with the first
    const next = this.slabs.take(position + size);
    this.slab.copy(next, 0, start, this.at);
    this.slab = next;
    this.start = 0;
    this.at = position;
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
