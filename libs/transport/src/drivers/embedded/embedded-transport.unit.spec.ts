import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '#engine';
import { fakeClock, settles } from '#testing';
import {
  EmbeddedTransport,
  type EmbeddedTransportOptions,
  type Feed,
  type LogRecord,
  type PartitionPosition,
} from '#transport';

const TOPIC = 'b';
const GROUP = 'g';
const clock = fakeClock();
let dir: string;
let engine: Engine | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-log-'));
});
afterEach(async () => {
  await engine?.close();
  engine = undefined;
  rmSync(dir, { recursive: true, force: true });
});

const open = async (partitions = 4, options: EmbeddedTransportOptions = {}): Promise<EmbeddedTransport> => {
  engine ??= await Engine.open({ dir, clock: clock.now });
  const transport = new EmbeddedTransport(engine, options);
  await transport.start([{ topic: TOPIC, partitions }]);
  return transport;
};
const crash = async (): Promise<void> => {
  await engine?.abandon();
  engine = undefined;
};
const record = (key: string, text: string) => ({
  topic: TOPIC,
  key,
  value: Buffer.from(text),
  headers: { 'Content-Type': 'x' },
});

/** Remembers what it was told. */
class Sink implements Feed {
  readonly partitions = new Map<number, PartitionPosition>();
  readonly got: LogRecord[] = [];
  readonly calls: string[] = [];
  error: Error | undefined;
  onRecords: (partition: number) => void = () => undefined;
  assigned(positions: readonly PartitionPosition[]): void {
    this.calls.push('assigned');
    for (const position of positions) this.partitions.set(position.partition, position);
  }
  lost(partitions: readonly number[]): void {
    this.calls.push('lost');
    for (const partition of partitions) this.partitions.delete(partition);
  }
  records(partition: number, records: readonly LogRecord[]): void {
    if (!this.partitions.has(partition)) throw new Error('not ours');
    this.got.push(...records);
    this.onRecords(partition);
  }
  failed(error: Error): void {
    this.error = error;
  }
  texts(): string[] {
    return this.got.map(({ value }) => String(value));
  }
}

describe('the embedded log', () => {
  it('hands over what was published, in the order of its key, bytes and headers as on a wire', async () => {
    const transport = await open();
    const sink = new Sink();
    await transport.subscribe(TOPIC, GROUP, sink);
    const first = record('k', '0');
    const publishing = transport.publish([first, record('k', '1')]);
    first.value.fill(0);
    await publishing;
    for (let i = 2; i < 600; i++) void transport.publish([record('k', String(i))]);
    await settles(() => expect(sink.got).toHaveLength(600));
    expect(sink.texts()).toEqual(Array.from({ length: 600 }, (_, i) => String(i)));
    expect(sink.got[0]).toMatchObject({
      topic: TOPIC,
      key: 'k',
      offset: 0,
      headers: { 'content-type': 'x' },
      timestampMs: clock.now(),
    });
  });

  it('begins again at what was committed, also after a crash', async () => {
    const transport = await open(1);
    const sink = new Sink();
    const subscription = await transport.subscribe(TOPIC, GROUP, sink);
    await transport.publish(Array.from({ length: 10 }, (_, i) => record('k', String(i))));
    await settles(() => expect(sink.got).toHaveLength(10));
    expect(await subscription.commit([{ partition: 0, offset: 4, metadata: 'm' }])).toBe('committed');
    await crash();
    const again = new Sink();
    await (await open(99)).subscribe(TOPIC, GROUP, again);
    await settles(() => expect(again.texts()).toEqual(['4', '5', '6', '7', '8', '9']));
    expect([...again.partitions.values()]).toEqual([{ partition: 0, offset: 4, metadata: 'm' }]);
  });

  it('gives no record that a crash could take back', async () => {
    const transport = await open(1);
    const sink = new Sink();
    await transport.subscribe(TOPIC, GROUP, sink);
    const publishing = transport.publish([record('k', 'x')]).catch((error: unknown) => error);
    await Promise.resolve();
    expect(sink.got).toEqual([]);
    await crash();
    expect(await publishing).toMatchObject({ code: 'closed' });
    expect(sink.got).toEqual([]);
  });

  it('stops at a pause and goes on after it', async () => {
    const transport = await open(1);
    const sink = new Sink();
    const subscription = await transport.subscribe(TOPIC, GROUP, sink);
    sink.onRecords = () => subscription.pause([0]);
    await transport.publish(Array.from({ length: 1000 }, (_, i) => record('k', String(i))));
    await settles(() => expect(sink.got.length).toBeGreaterThan(0));
    const before = sink.got.length;
    expect(before).toBeLessThanOrEqual(500);
    await transport.publish([record('k', '1000')]);
    expect(sink.got).toHaveLength(before);
    sink.onRecords = () => undefined;
    subscription.resume([0]);
    await settles(() => expect(sink.texts()).toEqual(Array.from({ length: 1001 }, (_, i) => String(i))));
  });

  it('shares the partitions of a group, and fences who lost one', async () => {
    const transport = await open(4);
    const [a, b] = [new Sink(), new Sink()];
    const first = await transport.subscribe(TOPIC, GROUP, a);
    await settles(() => expect(a.partitions.size).toBe(4));
    const second = await transport.subscribe(TOPIC, GROUP, b);
    await settles(() => expect([a.partitions.size, b.partitions.size]).toEqual([2, 2]));
    const [kept] = a.partitions.keys();
    const [gone] = b.partitions.keys();
    const positions = [kept!, gone!].map((partition) => ({ partition, offset: 1, metadata: '' }));
    expect(await first.commit(positions)).toBe('fenced');
    const committed = (await transport.lag(TOPIC, GROUP)).map((lag) => lag.committed);
    expect([committed[kept!], committed[gone!]]).toEqual([1, 0]);
    await second.close();
    await settles(() => expect(a.partitions.size).toBe(4));
    expect(b.calls).toEqual(['assigned']);
  });

  it('tells how far a group is behind', async () => {
    const transport = await open(1);
    await transport.publish([record('a', '1'), record('a', '2')]);
    expect(await transport.lag(TOPIC, GROUP)).toEqual([{ topic: TOPIC, partition: 0, end: 2, committed: 0 }]);
  });

  it('deletes what is old and finished by every group, and keeps counting', async () => {
    const retentionMs = 1000;
    const transport = await open(1, { retentionMs });
    const sinks = [new Sink(), new Sink()];
    const subscriptions = await Promise.all(
      sinks.map((sink, i) => transport.subscribe(TOPIC, `g${i}`, sink)),
    );
    await transport.publish(Array.from({ length: 5 }, (_, i) => record('k', String(i))));
    await settles(() => expect(sinks.map(({ got }) => got.length)).toEqual([5, 5]));
    const commit = (i: number, offset: number) =>
      subscriptions[i]!.commit([{ partition: 0, offset, metadata: '' }]);
    await commit(0, 5);
    await commit(1, 3);
    const left = async (): Promise<string[]> => {
      const sink = new Sink();
      const fresh = await transport.subscribe(TOPIC, `fresh-${Math.random()}`, sink);
      await settles(() => expect(sink.partitions.size).toBe(1));
      await settles(() => expect(sink.texts().at(-1)).toBe('4'));
      await fresh.commit([{ partition: 0, offset: 5, metadata: '' }]);
      return sink.texts();
    };
    await transport.trim();
    expect(await left()).toEqual(['0', '1', '2', '3', '4']);
    await clock.advance(retentionMs + 1);
    await transport.trim();
    expect(await left()).toEqual(['3', '4']);
    await commit(1, 5);
    await transport.trim();
    await transport.publish([record('k', '5')]);
    expect((await transport.lag(TOPIC, 'g1'))[0]).toMatchObject({ committed: 5, end: 6 });
    await crash();
    const again = await open();
    expect((await again.lag(TOPIC, 'new'))[0]).toMatchObject({ committed: 5, end: 6 });
  });

  it('keeps the number of an empty partition over a restart', async () => {
    const transport = await open(1, { retentionMs: 0 });
    await transport.publish([record('k', '0'), record('k', '1')]);
    await clock.advance(1);
    await transport.trim();
    await crash();
    const again = await open(1);
    const sink = new Sink();
    await again.subscribe(TOPIC, GROUP, sink);
    await again.publish([record('k', '2')]);
    await settles(() => expect(sink.got.map(({ offset }) => offset)).toEqual([2]));
  });

  it('refuses unknown topics and what is too large, and writes nothing of that publish', async () => {
    const transport = await open(1, { maxRecordBytes: 10 });
    const refused = { code: 'invalid_request' };
    await expect(
      transport.publish([record('k', 'x'), { ...record('k', 'x'), topic: 'nope' }]),
    ).rejects.toMatchObject(refused);
    await expect(transport.publish([record('k', 'x'.repeat(11))])).rejects.toMatchObject(refused);
    await expect(transport.subscribe('nope', GROUP, new Sink())).rejects.toMatchObject(refused);
    const subscription = await transport.subscribe(TOPIC, GROUP, new Sink());
    const metadata = 'x'.repeat(transport.capabilities.maxMetadataBytes + 1);
    await expect(subscription.commit([{ partition: 0, offset: 0, metadata }])).rejects.toMatchObject(refused);
    expect((await transport.lag(TOPIC, GROUP))[0]?.end).toBe(0);
  });

  it('calls no feed after a close', async () => {
    const transport = await open(1);
    const sink = new Sink();
    const subscription = await transport.subscribe(TOPIC, GROUP, sink);
    await settles(() => expect(sink.partitions.size).toBe(1));
    const publishing = transport.publish([record('k', 'x')]);
    await subscription.close();
    await publishing;
    await new Promise((resolve) => setImmediate(resolve));
    expect(sink.got).toEqual([]);
    await expect(subscription.commit([])).rejects.toMatchObject({ code: 'closed' });
    await transport.close();
    await expect(transport.publish([])).rejects.toMatchObject({ code: 'closed' });
  });

  it('tells its feeds when the engine fails', async () => {
    const transport = await open(1);
    const sink = new Sink();
    await transport.subscribe(TOPIC, GROUP, sink);
    (engine as unknown as { journal: { append: () => void } }).journal.append = () => {
      throw new Error('ENOSPC');
    };
    await expect(transport.publish([record('k', 'x')])).rejects.toMatchObject({ code: 'unavailable' });
    await settles(() => expect(sink.error).toMatchObject({ code: 'unavailable' }));
  });
});
