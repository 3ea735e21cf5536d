import type { LogRecord } from '../../port.js';

/** So many records and bytes of one partition at most: a consumer that is further behind reads what is stored. */
const MOST_RECORDS = 128;
const MOST_BYTES = 1 << 20;

const bytesOf = (record: LogRecord): number => record.valueBytes ?? record.value?.length ?? 0;

/**
 * The latest records of a partition as they were published, so that a consumer that follows closely needn't read and
 * decode them again. They are held until the first consumer has got them.
 */
export class RecentRecords {
  /** in order, without gaps */
  private records: LogRecord[] = [];
  private bytes = 0;

  /** A full one takes nothing more until it is emptied: what its consumer reads next is what it holds. */
  add(record: LogRecord): void {
    const { records } = this;
    const last = records.at(-1);
    if (last !== undefined && last.offset + 1 !== record.offset) return;
    if (records.length >= MOST_RECORDS || this.bytes >= MOST_BYTES) return;
    records.push(record);
    this.bytes += bytesOf(record);
  }

  /** All from `offset` on and below `end`, which are forgotten; none if the record at `offset` isn't among them. */
  take(offset: number, end: number): readonly LogRecord[] {
    const { records } = this;
    const first = records[0]?.offset;
    if (first === undefined) return records;
    const [from, to] = [offset - first, end - first];
    if (from < 0 || to < records.length) return this.part(from, to);
    this.records = [];
    this.bytes = 0;
    if (from === 0) return records;
    return from < records.length ? records.slice(from) : [];
  }

  private part(from: number, to: number): readonly LogRecord[] {
    // read from before them, or published and not durable yet
    if (from < 0 || to <= 0) return [];
    const taken = this.records.slice(from, to);
    this.records = this.records.slice(to);
    this.bytes = this.records.reduce((sum, record) => sum + bytesOf(record), 0);
    return taken;
  }
}
