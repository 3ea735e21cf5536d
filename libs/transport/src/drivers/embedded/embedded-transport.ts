import { DormouseError, RECORD_VERSION } from '#contracts';
import { type Engine, keyPart } from '#engine';
import {
  type Feed,
  type GroupLag,
  type OutboundRecord,
  type Subscription,
  type TopicDescription,
  type TopicSpec,
  Transport,
  type TransportCapabilities,
} from '../../port.js';
import { EmbeddedSubscription } from './embedded-subscription.js';
import { Group } from './group.js';
import { type Appended, type LogTables, logTables, TopicLog, type TopicRow } from './topic-log.js';

export interface EmbeddedTransportOptions {
  /** records older than this that every group has finished are deleted; default: kept for ever */
  retentionMs?: number;
  /** how often that is looked at; default one minute */
  trimEveryMs?: number;
  /** default 16 MiB */
  maxRecordBytes?: number;
}

const MAX_RECORD_BYTES = 16 << 20;
/** Room for what is finished above the watermark of some ten thousand records under way. */
const MAX_METADATA_BYTES = 16 << 10;
const MAX_KEY_BYTES = 0xffff;
/** in UTF-8 */
const MOST_BYTES_PER_CHARACTER = 3;
const TRIM_EVERY_MS = 60_000;
/** Deletions in one move: some milliseconds. */
const TRIM_RECORDS = 2000;

/** The log in the embedded engine. A publish is one move; subscriptions live in this process. */
export class EmbeddedTransport extends Transport {
  readonly capabilities: TransportCapabilities;
  private readonly tables: LogTables;
  private readonly topics = new Map<string, TopicLog>();
  private readonly groups = new Map<TopicLog, Map<string, Group<EmbeddedSubscription>>>();
  private readonly keepMs: number | undefined;
  private readonly trimEveryMs: number;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  /** The engine stays its owner's to close. */
  constructor(
    private readonly engine: Engine,
    options: EmbeddedTransportOptions = {},
  ) {
    super();
    this.tables = logTables(engine);
    this.capabilities = {
      driver: 'embedded',
      durability: engine.durability,
      shared: false,
      journal: engine.journalName,
      handsOver: true,
      maxMetadataBytes: MAX_METADATA_BYTES,
      maxRecordBytes: options.maxRecordBytes ?? MAX_RECORD_BYTES,
    };
    this.keepMs = options.retentionMs;
    this.trimEveryMs = options.trimEveryMs ?? TRIM_EVERY_MS;
    void engine.failed.then((error) => {
      for (const member of this.subscriptions()) member.fail(error);
    });
  }

  async start(specs: readonly TopicSpec[]): Promise<void> {
    this.check();
    const rows = await this.engine.move((tx) => {
      const { topics } = this.tables;
      const known = tx
        .range(topics, { start: '', end: '~~' })
        .map(({ value }) => JSON.parse(value) as TopicRow);
      for (const { topic, partitions } of specs) {
        if (known.some((row) => row.topic === topic)) continue;
        if (!Number.isInteger(partitions) || partitions < 1)
          throw invalid(`topic ${topic}: expected a whole number of partitions from 1 on, got ${partitions}`);
        const row: TopicRow = { v: RECORD_VERSION, topic, number: known.length, partitions };
        tx.put(topics, keyPart(topic), JSON.stringify(row));
        known.push(row);
      }
      return known;
    });
    for (const row of rows) {
      if (!this.topics.has(row.topic))
        this.topics.set(
          row.topic,
          this.engine.peek((view) => new TopicLog(this.tables, row, view)),
        );
    }
    if (this.keepMs !== undefined)
      this.timer ??= setInterval(() => void this.trim().catch(() => undefined), this.trimEveryMs).unref();
  }

  describe(topics: readonly string[]): Promise<TopicDescription[]> {
    this.check();
    return this.engine.read((view) => {
      const rows = view
        .range(this.tables.topics, { start: '', end: '~~' })
        .map(({ value }) => JSON.parse(value) as TopicRow);
      return topics.map((topic) => ({
        topic,
        partitions: rows.find((row) => row.topic === topic)?.partitions ?? 0,
        replicas: 1,
        leastReplicas: 1,
        retentionMs: this.keepMs ?? Infinity,
        maxBatchBytes: this.capabilities.maxRecordBytes,
        compacted: false,
      }));
    });
  }

  async publish(records: readonly OutboundRecord[]): Promise<void> {
    this.check();
    const logs = records.map((record) => this.accept(record));
    const appended: Appended[] = [];
    const written = this.engine.move((tx) => {
      const now = this.engine.now();
      for (const [i, topic] of logs.entries()) {
        const record = records[i];
        if (record) appended.push(topic.append(tx, record, now));
      }
      // nothing can take the move back any more
      for (const [i, { log, record }] of appended.entries()) if (logs[i]?.followed) log.recent.add(record);
    });
    await written;
    for (const { log, record } of appended) if (log.end <= record.offset) log.end = record.offset + 1;
    for (const topic of logs.length === 1 ? logs : new Set(logs)) {
      for (const group of this.groups.get(topic)?.values() ?? [])
        for (const member of group.all) member.wake();
    }
  }

  async subscribe(topic: string, group: string, feed: Feed): Promise<Subscription> {
    this.check();
    const log = this.topic(topic);
    await this.engine.move((tx) => log.addGroup(tx, group));
    this.check();
    const members = this.group(log, group);
    const { maxMetadataBytes } = this.capabilities;
    const subscription = new EmbeddedSubscription(this.engine, log, group, members, feed, maxMetadataBytes);
    members.join(subscription);
    log.followed = true;
    return subscription;
  }

  async lag(topic: string, group: string): Promise<GroupLag[]> {
    this.check();
    const log = this.topic(topic);
    return this.engine.read((view) =>
      log.partitions.map(({ partition, end }) => ({
        topic,
        partition,
        end,
        committed: log.position(view, group, partition).offset,
      })),
    );
  }

  async members(topic: string, group: string): Promise<number> {
    this.check();
    return this.group(this.topic(topic), group).all.length;
  }

  async retentionMs(topic: string): Promise<number> {
    this.check();
    this.topic(topic);
    return this.keepMs ?? Infinity;
  }

  /** Deletes what is older than the retention time and finished by every group. */
  async trim(): Promise<void> {
    this.check();
    const { keepMs } = this;
    if (keepMs === undefined) return;
    const before = this.engine.now() - keepMs;
    for (const log of this.topics.values()) {
      for (const { partition } of log.partitions) {
        while (
          (await this.engine.move((tx) => log.trim(tx, partition, before, TRIM_RECORDS))) === TRIM_RECORDS
        );
      }
    }
  }

  async ping(): Promise<void> {
    this.check();
    this.engine.peek(() => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearInterval(this.timer);
    for (const member of this.subscriptions()) member.stop();
  }

  /** The topic of a record that may be published. */
  private accept(record: OutboundRecord): TopicLog {
    const { topic, key, text } = record;
    const { maxRecordBytes } = this.capabilities;
    // most text is short enough whatever is in it
    const fits = text !== undefined && text.length * MOST_BYTES_PER_CHARACTER <= maxRecordBytes;
    if (!fits && record.value.length > maxRecordBytes)
      throw invalid(`record value: expected at most ${maxRecordBytes} bytes, got ${record.value.length}`);
    if (key.length * MOST_BYTES_PER_CHARACTER > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES)
      throw invalid(`record key: expected at most ${MAX_KEY_BYTES} bytes, got ${Buffer.byteLength(key)}`);
    return this.topic(topic);
  }

  private topic(name: string): TopicLog {
    const topic = this.topics.get(name);
    if (!topic)
      throw invalid(`topic: expected one of ${[...this.topics.keys()].join(', ') || 'none'}, got ${name}`);
    return topic;
  }

  private group(topic: TopicLog, name: string): Group<EmbeddedSubscription> {
    let groups = this.groups.get(topic);
    if (!groups) this.groups.set(topic, (groups = new Map<string, Group<EmbeddedSubscription>>()));
    let group = groups.get(name);
    if (!group) groups.set(name, (group = new Group(topic.row.partitions)));
    return group;
  }

  private *subscriptions(): Iterable<EmbeddedSubscription> {
    for (const groups of this.groups.values()) for (const group of groups.values()) yield* group.all;
  }

  private check(): void {
    if (this.closed) throw new DormouseError('closed', 'expected an open transport, but it was closed');
  }
}

const invalid = (message: string): DormouseError => new DormouseError('invalid_request', message);
