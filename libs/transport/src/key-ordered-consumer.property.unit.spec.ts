import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CommitAnswer, ScriptedLog, type ScriptedMember, VirtualTime, seededRandom } from '#testing';
import { decodeRuns } from './finished-runs.js';
import { KeyOrderedConsumer } from './key-ordered-consumer.js';
import type { Delivery } from './delivery.js';
import type { LogRecord, PartitionPosition, Position } from './port.js';

/** What one record's handler does. */
interface Work {
  partition: number;
  /** null: a record without a key */
  key: string | null;
  /** offsets left out before it */
  gap: number;
  /** 'sync': ends before it returns */
  takes: 'sync' | number;
  /** how often it fails before it succeeds */
  failures: number;
}

type Fault =
  | { kind: 'lose' | 'steal'; partition: number; tellAfterMs: number; backAfterMs: number }
  | { kind: 'rejoin' | 'crash'; member: number }
  | { kind: 'drain'; member: number; graceMs: number }
  | { kind: 'commits'; answer: CommitAnswer; afterMs: number };

interface Scenario {
  seed: number;
  work: Work[];
  /** the first half of the records is there at the start, the others come one by one */
  faults: { atMs: number; fault: Fault }[];
  members: number;
  order: 'key' | 'none';
  maxInFlight: number;
  maxQueued: number;
  maxQueuedPerKey: number;
  maxMetadataBytes: number;
  batch: number;
  eager: boolean;
}

const PARTITIONS = 3;

const aWork: fc.Arbitrary<Work> = fc.record({
  partition: fc.nat(PARTITIONS - 1),
  key: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { freq: 8 }),
  gap: fc.constantFrom(0, 0, 0, 1, 300),
  takes: fc.oneof(fc.constant('sync' as const), fc.nat(40), fc.constantFrom(0, 700, 5_000)),
  failures: fc.constantFrom(0, 0, 0, 0, 1, 2),
});
const aFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('lose' as const, 'steal' as const),
    partition: fc.nat(PARTITIONS - 1),
    tellAfterMs: fc.constantFrom(0, 0, 3, 400),
    backAfterMs: fc.constantFrom(0, 5, 200, 1_000),
  }),
  fc.record({ kind: fc.constantFrom('rejoin' as const, 'crash' as const), member: fc.nat(2) }),
  fc.record({
    kind: fc.constant('drain' as const),
    member: fc.nat(2),
    graceMs: fc.constantFrom(0, 30, 10_000),
  }),
  fc.record({
    kind: fc.constant('commits' as const),
    answer: fc.constantFrom('applied' as const, 'refused' as const, 'applied, reply lost' as const),
    afterMs: fc.constantFrom(0, 1, 100, 900),
  }),
);
const aScenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  work: fc.array(aWork, { minLength: 1, maxLength: 40 }),
  faults: fc.array(fc.record({ atMs: fc.nat(1_500), fault: aFault }), { maxLength: 6 }),
  members: fc.integer({ min: 1, max: 3 }),
  order: fc.constantFrom('key' as const, 'key' as const, 'key' as const, 'none' as const),
  maxInFlight: fc.integer({ min: 1, max: 8 }),
  maxQueued: fc.constantFrom(1, 4, 100),
  maxQueuedPerKey: fc.constantFrom(1, 2, 50),
  maxMetadataBytes: fc.constantFrom(0, 9, 4_096, 4_096),
  batch: fc.constantFrom(1, 4, 20),
  eager: fc.boolean(),
});

interface Running {
  key: string;
  delivery: Delivery;
}

/** The position says that the record is finished. */
const covers = ({ offset, metadata }: Position, record: number): boolean =>
  record < offset ||
  decodeRuns(offset, metadata).some(
    (start, i, runs) => i % 2 === 0 && record >= start && record < runs[i + 1]!,
  );

/** Plays a scenario and watches. What goes against a promise is thrown where it happens and kept in `broken`. */
class Play {
  readonly time = new VirtualTime(1_000_000);
  readonly log: ScriptedLog;
  readonly broken: string[] = [];
  /** `partition/offset` of what some handler has finished */
  readonly finished = new Set<string>();
  /** of that, what a member finished and then drained, so that nobody may run it again */
  readonly settled = new Set<string>();
  private readonly work = new Map<string, Work>();
  private readonly attempts = new Map<string, number>();
  private readonly consumers = new Map<ScriptedMember, KeyOrderedConsumer>();
  private readonly running = new Map<ScriptedMember, Map<string, Running>>();
  /** per member and partition: finished since the partition was assigned to it */
  private readonly finishedBy = new Map<ScriptedMember, Set<string>>();
  private readonly random: () => number;
  private readonly draining = new Set<ScriptedMember>();

  constructor(readonly scenario: Scenario) {
    this.random = seededRandom(scenario.seed);
    this.log = new ScriptedLog({ ...scenario, time: this.time, random: this.random }, PARTITIONS);
    this.log.seeCommit = (member, positions) => {
      this.checkCommit(member, positions);
    };
    this.log.seeClose = (member) => {
      this.checkClose(member);
    };
  }

  async play(): Promise<void> {
    const { scenario, log, time } = this;
    const late = Math.ceil(scenario.work.length / 2);
    scenario.work.forEach((work, i) => {
      if (i < late) this.append(work);
      else time.set(() => this.append(work), (i - late) * 20);
    });
    for (let i = 0; i < scenario.members; i++) this.join();
    this.place();
    for (const { atMs, fault } of scenario.faults) time.set(() => this.inflict(fault), atMs);
    await time.run(2_000 + scenario.work.length * 20);

    // the faults are over: everything ends, and the log knows
    log.onCommit = () => ({ answer: 'applied', afterMs: 1 });
    this.place();
    await time.run(600_000, () => this.broken.length > 0 || this.finished.size === this.work.size);
    if (this.finished.size < this.work.size) {
      this.break(`lost: ${[...this.work.keys()].filter((id) => !this.finished.has(id)).join(' ')}`);
    }
    await time.run(30_000);
    for (const [p, records] of log.partitions.entries()) {
      const end = (records[records.length - 1]?.offset ?? -1) + 1;
      if ((log.positions[p]?.offset ?? 0) < end)
        this.break(`partition ${p} stands at ${log.positions[p]?.offset} of ${end}`);
    }
  }

  private append(work: Work): void {
    const record = this.log.append(work.partition, work.key, work.gap);
    this.work.set(this.id(record), work);
  }

  private id({ partition, offset }: { partition: number; offset: number }): string {
    return `${partition}/${offset}`;
  }

  private break(what: string): void {
    this.broken.push(`at ${this.time.now() - 1_000_000} ms: ${what}`);
  }

  private live(): ScriptedMember[] {
    return [...this.consumers.keys()].filter((m) => !m.gone && !m.closed && !this.draining.has(m));
  }

  private join(): void {
    const member = this.log.member();
    const { order, maxInFlight, maxQueued, maxQueuedPerKey } = this.scenario;
    this.running.set(member, new Map());
    this.finishedBy.set(member, new Set());
    const consumer = new KeyOrderedConsumer({
      transport: member,
      topic: 'scripted',
      group: 'group',
      handler: (record, delivery) => this.handle(member, record, delivery),
      order,
      maxInFlight,
      maxQueued,
      maxQueuedPerKey,
      timers: member.timers,
      random: this.random,
    });
    this.consumers.set(member, consumer);
    void consumer.start();
  }

  /** Gives every partition that nobody has to somebody. */
  private place(): void {
    if (this.live().length === 0) this.join();
    const live = this.live();
    for (let p = 0; p < PARTITIONS; p++) {
      if ((this.log.owners[p] ?? null) === null)
        this.assign(p, live[Math.floor(this.random() * live.length)]!);
    }
  }

  private assign(partition: number, member: ScriptedMember): void {
    const mine = this.finishedBy.get(member)!;
    for (const id of [...mine]) if (id.startsWith(`${partition}/`)) mine.delete(id);
    this.log.assign(partition, member);
  }

  private inflict(fault: Fault): void {
    const live = this.live();
    switch (fault.kind) {
      case 'lose':
      case 'steal':
        this.log.revoke(fault.partition, fault.tellAfterMs);
        if (fault.kind === 'steal') this.place();
        else this.time.set(() => this.place(), fault.backAfterMs);
        break;
      case 'rejoin':
        live[fault.member % live.length]?.rejoin();
        break;
      case 'crash':
        live[fault.member % live.length]?.kill();
        this.time.set(() => this.place(), 50);
        break;
      case 'drain': {
        const member = live[fault.member % live.length];
        if (member !== undefined) void this.drain(member, fault.graceMs);
        break;
      }
      case 'commits':
        this.log.onCommit = () => fault;
    }
  }

  private async drain(member: ScriptedMember, graceMs: number): Promise<void> {
    const begun = this.time.now();
    this.draining.add(member);
    await this.consumers.get(member)!.drain(graceMs);
    if (this.time.now() > begun + graceMs + 10_000) this.break('a drain took too long');
    this.place();
  }

  private handle(member: ScriptedMember, record: LogRecord, delivery: Delivery): Promise<void> | undefined {
    const id = this.id(record);
    const work = this.work.get(id)!;
    const ordered = this.scenario.order === 'key' && record.key !== null;
    const key = ordered ? `${record.partition}/${record.key}` : id;
    const running = this.running.get(member)!;
    if (running.has(key)) this.break(`${id}: its key runs already`);
    if (running.size >= this.scenario.maxInFlight) this.break(`${id}: ${running.size + 1} in flight`);
    if (!member.holds(record.partition)) this.break(`${id}: begun although its partition is lost`);
    if (this.settled.has(id) && this.log.owners[record.partition] === member)
      this.break(`${id}: run again after a clean drain`);
    for (const earlier of this.log.partitions[record.partition] ?? []) {
      if (!ordered || earlier.offset >= record.offset) break;
      if (earlier.key === record.key && !this.finished.has(this.id(earlier))) {
        this.break(`${id}: begun before ${this.id(earlier)} of its key was finished`);
      }
    }
    const attempt = (this.attempts.get(id) ?? 0) + 1;
    this.attempts.set(id, attempt);
    const fails = attempt <= work.failures;
    if (work.takes === 'sync') {
      if (fails) throw new Error('scripted');
      this.end(member, id);
      return undefined;
    }
    running.set(key, { key, delivery });
    return new Promise((resolve, reject) => {
      member.timers.set(() => {
        running.delete(key);
        if (delivery.signal.aborted && !this.draining.has(member))
          this.break(`${id}: aborted without a drain`);
        if (fails) reject(new Error('scripted'));
        else {
          this.end(member, id);
          resolve();
        }
      }, work.takes as number);
    });
  }

  private end(member: ScriptedMember, id: string): void {
    this.finished.add(id);
    if (member.holds(Number(id.split('/')[0]))) this.finishedBy.get(member)!.add(id);
  }

  private checkCommit(member: ScriptedMember, positions: readonly PartitionPosition[]): void {
    if (member.commitsUnderWay > 0) this.break('a second commit while one is under way');
    for (const { partition, offset, metadata } of positions) {
      if (!member.holds(partition)) this.break(`commits the lost partition ${partition}`);
      if (metadata.length > this.scenario.maxMetadataBytes)
        this.break(`${metadata.length} bytes of metadata`);
      for (const record of this.log.partitions[partition] ?? []) {
        const id = this.id(record);
        if (covers({ offset, metadata }, record.offset) && !this.finished.has(id))
          this.break(`acknowledges ${id}, which isn't finished`);
      }
    }
  }

  /** What a member finished is acknowledged when it leaves, or the next one would run it again. */
  private checkClose(member: ScriptedMember): void {
    if ((member.lastAnswer ?? 'applied') !== 'applied' || this.scenario.maxMetadataBytes < 4_096) return;
    for (const id of this.finishedBy.get(member)!) {
      const [partition, offset] = id.split('/').map(Number) as [number, number];
      if (this.log.owners[partition] !== member) continue;
      if (!covers(this.log.positions[partition]!, offset))
        this.break(`leaves ${id} finished and not acknowledged`);
      this.settled.add(id);
    }
  }
}

describe('KeyOrderedConsumer', () => {
  it('keeps its promises whatever keys, durations, failures, losses, drains and crashes come', async () => {
    await fc.assert(
      fc.asyncProperty(aScenario, async (scenario) => {
        const play = new Play(scenario);
        await play.play();
        expect(play.broken).toEqual([]);
      }),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1_000) },
    );
  });
});
