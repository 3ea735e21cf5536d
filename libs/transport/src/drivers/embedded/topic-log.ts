import { RECORD_VERSION } from '#contracts';
import { type Engine, keyPart, type Table, type Transaction, under, type View } from '#engine';
import type { LogRecord, OutboundRecord, PartitionPosition } from '../../port.js';
import { partitionOf } from '../../partitioner.js';
import { RecentRecords } from './recent-records.js';
import { decodeRecord, encodeRecord, PublishedRecord, recordTime } from './record-row.js';

/** The log's tables; a topic is named by its number in keys. */
export interface LogTables {
  /** by name: {@link TopicRow} */
  topics: Table<string>;
  /** by topic, partition, offset */
  records: Table<Buffer>;
  /** by topic and partition, after a trim: the first offset that is left, and the next one at that time */
  bounds: Table<string>;
  /** by topic, group, partition */
  positions: Table<string>;
}
export const logTables = (engine: Engine): LogTables => ({
  topics: engine.text('lt'),
  records: engine.bytes('lr'),
  bounds: engine.text('lb'),
  positions: engine.text('lg'),
});

export interface TopicRow {
  v: number;
  topic: string;
  /** short name in keys */
  number: number;
  partitions: number;
}

/** Memory's idea of a partition: three offsets. */
export interface PartitionLog {
  partition: number;
  /** the first that the log still has */
  start: number;
  /** below it all is durable */
  end: number;
  /** the next to be given */
  next: number;
  readonly recent: RecentRecords;
}

/** A record that was added, and where. */
export interface Appended {
  log: PartitionLog;
  record: LogRecord;
}

// base 36 with leading zeros: as short as it gets in order, up to 36^9 records
const offsetPart = (offset: number): string => offset.toString(36).padStart(9, '0');

/** A batch for a subscription ends after so many bytes of values, however few its records are. */
const BATCH_BYTES = 4 << 20;

/** One topic: what it holds, and how far groups have read it. */
export class TopicLog {
  readonly partitions: PartitionLog[];
  /** somebody here reads it: what was published lately is kept for them */
  followed = false;

  constructor(
    private readonly tables: LogTables,
    readonly row: TopicRow,
    view: View,
  ) {
    this.partitions = Array.from({ length: row.partitions }, (_, partition) => this.open(view, partition));
  }

  /** Adds a record, in its key's partition. */
  append(tx: Transaction, record: OutboundRecord, now: number): Appended {
    const log = this.log(partitionOf(record.key, this.row.partitions));
    const offset = log.next++;
    const key = this.recordKey(log.partition, offset);
    tx.putParts(this.tables.records, key, encodeRecord(record, now), true);
    return { log, record: new PublishedRecord(record, log.partition, offset, now) };
  }

  /** The durable records of a partition from `offset` on, at most `limit` if they have to be read. */
  read(view: View, partition: number, offset: number, limit: number): readonly LogRecord[] {
    const { start, end, recent } = this.log(partition);
    const published = recent.take(offset, end);
    if (published.length > 0) return published;
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let at = Math.max(offset, start); at < end && records.length < limit && bytes < BATCH_BYTES; at++) {
      const row = view.get(this.tables.records, this.recordKey(partition, at));
      if (row === undefined) continue;
      bytes += row.length;
      records.push(decodeRecord(row, this.row.topic, partition, at));
    }
    return records;
  }

  /** What the group acknowledged; a group that is new begins at the start. */
  position(view: View, group: string, partition: number): PartitionPosition {
    const text = view.get(this.tables.positions, this.positionKey(group, partition));
    const { start } = this.log(partition);
    if (text === undefined) return { partition, offset: start, metadata: '' };
    const { offset, metadata } = JSON.parse(text) as { offset: number; metadata: string };
    // metadata counts from its offset
    return offset < start ? { partition, offset: start, metadata: '' } : { partition, offset, metadata };
  }

  setPosition(tx: Transaction, group: string, { partition, offset, metadata }: PartitionPosition): void {
    const text = JSON.stringify({ v: RECORD_VERSION, offset, metadata });
    tx.put(this.tables.positions, this.positionKey(group, partition), text);
  }

  /** From now on the group's positions hold back the trimming. */
  addGroup(tx: Transaction, group: string): void {
    for (const { partition } of this.partitions) {
      if (tx.get(this.tables.positions, this.positionKey(group, partition)) === undefined)
        this.setPosition(tx, group, this.position(tx, group, partition));
    }
  }

  /**
   * Deletes records of a partition from before `before` that every group has finished, at most `limit`; returns how
   * many.
   */
  trim(tx: Transaction, partition: number, before: number, limit: number): number {
    const log = this.log(partition);
    const finished = Math.min(log.end, this.slowest(tx, partition));
    let at = log.start;
    for (; at < finished && at - log.start < limit; at++) {
      const key = this.recordKey(partition, at);
      const row = tx.get(this.tables.records, key);
      if (row !== undefined && recordTime(row) >= before) break;
      tx.del(this.tables.records, key);
    }
    const trimmed = at - log.start;
    if (trimmed === 0) return 0;
    log.start = at;
    const bounds = JSON.stringify({ v: RECORD_VERSION, start: at, next: log.end });
    tx.put(this.tables.bounds, this.partitionKey(partition), bounds);
    return trimmed;
  }

  log(partition: number): PartitionLog {
    const log = this.partitions[partition];
    if (!log) throw new RangeError(`${this.row.topic} has no partition ${partition}`);
    return log;
  }

  private open(view: View, partition: number): PartitionLog {
    const bounds = view.get(this.tables.bounds, this.partitionKey(partition));
    const { start = 0, next = 0 } =
      bounds === undefined ? {} : (JSON.parse(bounds) as { start: number; next: number });
    const prefix = this.partitionKey(partition);
    const last = view.range(this.tables.records, { ...under(prefix), limit: 1, reverse: true })[0];
    const after = last === undefined ? next : parseInt(last.key.slice(prefix.length + 1), 36) + 1;
    const end = Math.max(next, after);
    return { partition, start, end, next: end, recent: new RecentRecords() };
  }

  private slowest(view: View, partition: number): number {
    const suffix = `|${partition}`;
    return view
      .range(this.tables.positions, under(this.row.number.toString(36)))
      .filter(({ key }) => key.endsWith(suffix))
      .reduce(
        (least, { value }) => Math.min(least, (JSON.parse(value) as { offset: number }).offset),
        Infinity,
      );
  }

  private partitionKey(partition: number): string {
    return `${this.row.number.toString(36)}|${partition}`;
  }
  private recordKey(partition: number, offset: number): string {
    return `${this.partitionKey(partition)}|${offsetPart(offset)}`;
  }
  private positionKey(group: string, partition: number): string {
    return `${this.row.number.toString(36)}|${keyPart(group)}|${partition}`;
  }
}
