import { DormouseError } from '#contracts';
import type {
  Feed,
  LogRecord,
  OutboundRecord,
  PartitionPosition,
  Position,
  Subscription,
  TopicDescription,
  TopicSpec,
} from '#transport';
import { Transport } from '#transport';
import type { VirtualTime } from './virtual-time.js';

/*
 * The other side of the transport port, played from a script: a log whose partitions change hands, whose commits are
 * slow, fail or are fenced, at the moments that a test says. Not a broker and not a stand-in for one: it keeps the port's
 * promises and uses every freedom that the port leaves.
 */

export interface ScriptedLogOptions {
  time: VirtualTime;
  random: () => number;
  maxMetadataBytes: number;
  /** the most records of one feed call */
  batch: number;
  /** a `resume` may bring records before it returns */
  eager?: boolean;
}

export type CommitAnswer = 'applied' | 'refused' | 'applied, reply lost';

export class ScriptedLog {
  readonly partitions: LogRecord[][] = [];
  /** the group's, per partition */
  readonly positions: Position[] = [];
  /** who may commit */
  readonly owners: (ScriptedMember | null)[] = [];
  /** counts the ownerships of each partition: a commit of an earlier one is fenced */
  readonly epochs: number[] = [];
  readonly members: ScriptedMember[] = [];
  /** what members wrote; it doesn't come back to them */
  readonly published: OutboundRecord[] = [];
  /** Answers the next commits; default: applied after a millisecond. */
  onCommit: (member: ScriptedMember) => { answer: CommitAnswer; afterMs: number } = () => ({
    answer: 'applied',
    afterMs: 1,
  });
  /** Sees every commit when it is called for. */
  seeCommit: (member: ScriptedMember, positions: readonly PartitionPosition[]) => void = () => undefined;

  /** Sees a member as it leaves, when it still has what it had. */
  seeClose: (member: ScriptedMember) => void = () => undefined;

  constructor(
    readonly options: ScriptedLogOptions,
    partitions: number,
  ) {
    for (let i = 0; i < partitions; i++) {
      this.partitions.push([]);
      this.positions.push({ offset: 0, metadata: '' });
      this.owners.push(null);
      this.epochs.push(0);
    }
  }

  /** @param gap offsets that the log leaves out before the record */
  append(
    partition: number,
    key: string | null,
    gap = 0,
    content: Pick<LogRecord, 'value' | 'headers'> = { value: Buffer.from('{}'), headers: {} },
  ): LogRecord {
    const records = this.partitions[partition] ?? [];
    const last = records[records.length - 1];
    const record = {
      topic: 'scripted',
      partition,
      offset: (last === undefined ? 0 : last.offset + 1) + gap,
      key,
      ...content,
      timestampMs: 0,
    };
    records.push(record);
    for (const member of this.members) member.poke(partition);
    return record;
  }

  member(): ScriptedMember {
    const member = new ScriptedMember(this);
    this.members.push(member);
    return member;
  }

  /** Gives the partition to a member, which reads on from the committed position. */
  assign(partition: number, member: ScriptedMember): void {
    this.owners[partition] = member;
    this.epochs[partition] = (this.epochs[partition] ?? 0) + 1;
    member.given([partition]);
  }

  /** Takes it away; `tellAfterMs` later its member knows. */
  revoke(partition: number, tellAfterMs = 0): void {
    const owner = this.owners[partition] ?? null;
    this.owners[partition] = null;
    if (owner === null) return;
    if (tellAfterMs === 0) owner.taken(partition);
    else {
      this.options.time.set(() => {
        if (this.owners[partition] !== owner) owner.taken(partition);
      }, tellAfterMs);
    }
  }
}

interface Cursor {
  epoch: number;
  next: number;
  paused: boolean;
  poked: boolean;
  /** a batch is on its way although it is paused */
  late: boolean;
}

/** A process that reads the log: the transport that its consumer is given, and its one subscription. */
export class ScriptedMember extends Transport implements Subscription {
  readonly capabilities;
  /** the process is dead: nothing reaches it, and none of its timers go off */
  gone = false;
  /** it has left the group */
  closed = false;
  commitsUnderWay = 0;
  /** what `start` was called with */
  startedWith: readonly TopicSpec[] | null = null;
  /** how the last commit ended; null: there was none */
  lastAnswer: CommitAnswer | null = null;
  private feed: Feed | null = null;
  /** what it was told to be its own: where it reads next */
  private readonly cursors = new Map<number, Cursor>();

  constructor(private readonly log: ScriptedLog) {
    super();
    const { maxMetadataBytes } = log.options;
    this.capabilities = {
      driver: 'scripted',
      durability: 'process' as const,
      shared: true,
      maxMetadataBytes,
      maxRecordBytes: 1_000_000,
    };
  }

  /** Timers that die with the process. */
  get timers() {
    const { time } = this.log.options;
    return {
      now: () => time.now(),
      set: (run: () => void, delayMs: number) =>
        time.set(() => {
          if (!this.gone) run();
        }, delayMs),
      clear: (handle: unknown) => {
        time.clear(handle);
      },
    };
  }

  /** It believes that the partition is its own. */
  holds(partition: number): boolean {
    return this.cursors.has(partition);
  }
  get held(): number[] {
    return [...this.cursors.keys()];
  }
  isPaused(partition: number): boolean {
    return this.cursors.get(partition)?.paused ?? false;
  }

  given(partitions: readonly number[]): void {
    const positions = partitions.map((partition) => {
      const position = this.log.positions[partition] ?? { offset: 0, metadata: '' };
      const epoch = this.log.epochs[partition] ?? 0;
      this.cursors.set(partition, { epoch, next: position.offset, paused: false, poked: false, late: false });
      return { partition, ...position };
    });
    this.feed?.assigned(positions);
    for (const partition of partitions) this.poke(partition);
  }

  taken(partition: number): void {
    if (this.gone || this.closed || !this.cursors.delete(partition)) return;
    this.feed?.lost([partition]);
  }

  /** A rejoin that leaves it its partitions: records since the committed position come again. */
  rejoin(): void {
    for (const [partition, cursor] of this.cursors) {
      cursor.next = this.log.positions[partition]?.offset ?? 0;
      this.poke(partition);
    }
  }

  /** The subscription dies, the process lives. */
  fail(error: Error): void {
    this.feed?.failed(error);
  }

  /** Records will come soon, if there are any and nothing is paused by then. */
  poke(partition: number): void {
    const cursor = this.cursors.get(partition);
    if (cursor === undefined || cursor.poked || this.feed === null) return;
    cursor.poked = true;
    this.log.options.time.set(
      () => {
        cursor.poked = false;
        if (this.cursors.get(partition) === cursor) this.deliver(partition);
      },
      1 + Math.floor(this.log.options.random() * 5),
    );
  }

  private deliver(partition: number): void {
    const cursor = this.cursors.get(partition);
    if (cursor === undefined || this.gone || this.closed || this.feed === null) return;
    if (cursor.paused && !cursor.late) return;
    cursor.late = false;
    const rest = (this.log.partitions[partition] ?? []).filter((record) => record.offset >= cursor.next);
    const batch = rest.slice(0, 1 + Math.floor(this.log.options.random() * this.log.options.batch));
    const last = batch[batch.length - 1];
    if (last === undefined) return;
    cursor.next = last.offset + 1;
    this.feed.records(partition, batch);
    this.poke(partition);
  }

  async subscribe(_topic: string, _group: string, feed: Feed): Promise<Subscription> {
    this.feed = feed;
    this.closed = false;
    const mine = this.held;
    if (mine.length > 0) this.given(mine);
    return this;
  }

  pause(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const cursor = this.cursors.get(partition);
      if (cursor === undefined) continue;
      cursor.paused = true;
      // one batch may be on its way already
      cursor.late = this.log.options.random() < 0.5;
    }
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const cursor = this.cursors.get(partition);
      if (cursor === undefined) continue;
      cursor.paused = false;
      if (this.log.options.eager === true) this.deliver(partition);
      this.poke(partition);
    }
  }

  async commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    this.log.seeCommit(this, positions);
    this.commitsUnderWay++;
    const epochs = positions.map(({ partition }) => this.cursors.get(partition)?.epoch);
    const { answer, afterMs } = this.log.onCommit(this);
    await this.log.options.time.sleep(afterMs);
    this.commitsUnderWay--;
    this.lastAnswer = answer;
    // the call of a process that died may have been on its way
    if (this.gone && this.log.options.random() < 0.5) return new Promise(() => undefined);
    if (answer === 'refused') throw new DormouseError('unavailable', 'scripted', { retryable: true });
    let fenced = false;
    for (const [i, { partition, offset, metadata }] of positions.entries()) {
      const ours = this.log.owners[partition] === this && this.log.epochs[partition] === epochs[i];
      if (ours) this.log.positions[partition] = { offset, metadata };
      else fenced = true;
    }
    if (this.gone) return new Promise(() => undefined);
    if (answer === 'applied, reply lost')
      throw new DormouseError('unavailable', 'scripted', { retryable: true });
    return fenced ? 'fenced' : 'committed';
  }

  /** The process dies. Its partitions go nowhere until somebody assigns them. */
  kill(): void {
    this.gone = true;
    this.log.owners.forEach((owner, partition) => {
      if (owner === this) this.log.owners[partition] = null;
    });
  }

  async close(): Promise<void> {
    this.log.seeClose(this);
    this.closed = true;
    this.cursors.clear();
    this.log.owners.forEach((owner, partition) => {
      if (owner === this) this.log.owners[partition] = null;
    });
  }

  async start(topics: readonly TopicSpec[]): Promise<void> {
    // the script makes the partitions
    this.startedWith = topics;
  }
  async publish(records: readonly OutboundRecord[]): Promise<void> {
    this.log.published.push(...records);
  }
  async lag(): Promise<[]> {
    return [];
  }
  async describe(): Promise<TopicDescription[]> {
    return [];
  }
  async members(): Promise<number> {
    return new Set(this.log.owners.filter((owner) => owner !== null)).size;
  }
  async retentionMs(): Promise<number> {
    return Infinity;
  }
  async ping(): Promise<void> {
    // always there
  }
}
