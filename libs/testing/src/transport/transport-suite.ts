import { expect } from '@jest/globals';
import type { OutboundRecord, Transport } from '#transport';
import type { SuiteCapabilities, TestBed } from '../contract/test-bed.js';
import { freshName } from '../fresh-name.js';
import { Member } from './member.js';

/** What the parts of the transport's suite work with. */
export interface TransportSuite {
  capabilities: SuiteCapabilities;
  bed: () => TestBed<Transport>;
  /** a fresh bed outside of the one that each test has; the caller disposes of it */
  makeBed: () => Promise<TestBed<Transport>>;
  scene: (partitions?: number) => Promise<Scene>;
}

export const PARTITIONS = 4;

/** One topic on one transport, and the members of groups on it. */
export class Scene {
  readonly topic = freshName('topic');
  readonly group = freshName('group');
  private members: Member[] = [];

  private constructor(
    private readonly bed: TestBed<Transport>,
    public transport: Transport,
    readonly partitions: number,
  ) {}

  static async open(bed: TestBed<Transport>, partitions = PARTITIONS): Promise<Scene> {
    const scene = new Scene(bed, await bed.open(), partitions);
    await scene.start();
    return scene;
  }

  private start(): Promise<void> {
    return this.transport.start([{ topic: this.topic, partitions: this.partitions }]);
  }

  async join(group = this.group, topic = this.topic): Promise<Member> {
    const member = await Member.join(this.transport, topic, group);
    this.members.push(member);
    return member;
  }

  /** A record whose text tells its key and its number. */
  record(key: string, n: number): OutboundRecord {
    return { topic: this.topic, key, value: Buffer.from(`${key}#${n}`) };
  }

  publish(...records: OutboundRecord[]): Promise<void> {
    return this.transport.publish(records);
  }

  /** Publishes `perKey` records of each of so many keys, round after round, and returns their texts. */
  async publishMany(keys: number, perKey: number, prefix = 'k'): Promise<string[]> {
    const records = Array.from({ length: keys * perKey }, (_, i) =>
      this.record(`${prefix}${i % keys}`, Math.floor(i / keys)),
    );
    for (let i = 0; i < records.length; i += 100) await this.publish(...records.slice(i, i + 100));
    return records.map((record) => record.value.toString());
  }

  /** a key that goes to each partition: learned from the log, not computed */
  async keyPerPartition(): Promise<string[]> {
    const keys: string[] = [];
    const group = freshName('probe');
    const probe = await this.join(group);
    for (
      let i = 0;
      keys.filter((key) => (key as string | undefined) !== undefined).length < this.partitions;
      i++
    ) {
      expect(i).toBeLessThan(20);
      const names = Array.from({ length: 20 }, (_, n) => freshName(`key${i}-${n}`));
      await this.publish(...names.map((key) => this.record(key, 0)));
      await probe.got((i + 1) * 20);
      for (const record of probe.received) keys[record.partition] = record.key!;
    }
    await this.leave(probe);
    return keys;
  }

  /** Closes a member, as whoever made it does. */
  async leave(member: Member): Promise<void> {
    await member.close();
    this.check(member);
    this.members = this.members.filter((other) => other !== member);
  }

  async reopen(): Promise<void> {
    for (const member of this.members) await member.close();
    this.checkAll();
    await this.transport.close();
    await this.again();
  }

  /** Opens the data anew, after the transport was closed. */
  async again(): Promise<void> {
    this.members = [];
    this.transport = await this.bed.open();
    await this.start();
  }

  async crash(): Promise<void> {
    this.checkAll();
    await this.bed.crash();
    await this.again();
  }

  /** what the group has acknowledged, by partition */
  async committed(group = this.group): Promise<number[]> {
    const offsets: number[] = [];
    for (const { partition, committed } of await this.transport.lag(this.topic, group))
      offsets[partition] = committed;
    return offsets;
  }

  /** Every feed so far has been called as the port says. */
  checkAll(): void {
    for (const member of this.members) this.check(member);
  }

  private check(member: Member): void {
    expect({ violations: member.violations, failure: member.failure }).toEqual({
      violations: [],
      failure: undefined,
    });
  }
}
