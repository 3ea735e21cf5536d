import { describe, expect, it } from '@jest/globals';
import { applies } from '../contract/test-bed.js';
import { expectHappenedOrRefused, expectRefused, settleAll } from '../contract/refusals.js';
import { freshName } from '../fresh-name.js';
import { PARTITIONS, type TransportSuite } from './transport-suite.js';

/** The most that a test writes into one record. */
const LARGE = 64 * 1024 * 1024;

/** Keeps, per key, the numbers of `key#n` texts in the order in which they came. */
const numbersByKey = (texts: readonly string[]): Map<string, number[]> => {
  const numbers = new Map<string, number[]>();
  for (const text of texts) {
    const [key = '', n] = text.split('#');
    numbers.set(key, [...(numbers.get(key) ?? []), Number(n)]);
  }
  return numbers;
};
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export const transportPublishing = ({ bed, scene, capabilities }: TransportSuite): void => {
  describe('a record', () => {
    it('comes as it was published', async () => {
      const s = await scene();
      const value = Buffer.from([0, 255, 1, 0xc3, 0x28, 10, 13]);
      const headers = {
        'content-type': 'application/cloudevents+json',
        empty: '',
        ünïcode: 'é中',
        'X-Upper': 'A',
      };
      await s.publish({ topic: s.topic, key: 'sess-é', value, headers });
      const [record] = (await (await s.join()).got(1)).received;
      expect(record).toMatchObject({ topic: s.topic, key: 'sess-é' });
      expect(record!.value!.equals(value)).toBe(true);
      expect(record!.headers).toEqual({
        'content-type': 'application/cloudevents+json',
        empty: '',
        ünïcode: 'é中',
        'x-upper': 'A',
      });
      expect(Number.isSafeInteger(record!.offset) && record!.offset >= 0).toBe(true);
      expect(record!.partition).toBeGreaterThanOrEqual(0);
      expect(record!.partition).toBeLessThan(PARTITIONS);
      expect(Number.isFinite(record!.timestampMs) && record!.timestampMs > 0).toBe(true);
      s.checkAll();
    });

    it('without headers has none, and may be empty', async () => {
      const s = await scene();
      await s.publish({ topic: s.topic, key: 'k', value: Buffer.alloc(0) });
      const [record] = (await (await s.join()).got(1)).received;
      expect(record!.headers).toEqual({});
      expect(record!.value).toHaveLength(0);
    });

    it('shares no bytes with who published it', async () => {
      const s = await scene();
      const value = Buffer.from('before');
      const publishing = s.publish({ topic: s.topic, key: 'k', value });
      value.fill(0);
      await publishing;
      const [record] = (await (await s.join()).got(1)).received;
      expect(record!.value!.toString()).toBe('before');
    });

    it('of the largest size comes through, and one byte more is refused', async () => {
      const s = await scene();
      const { maxRecordBytes } = s.transport.capabilities;
      expect(maxRecordBytes).toBeLessThanOrEqual(LARGE);
      const value = Buffer.alloc(maxRecordBytes, 'ab');
      await s.publish({ topic: s.topic, key: 'k', value });
      const member = await (await s.join()).got(1);
      expect(member.received[0]!.value!.equals(value)).toBe(true);
      const tooLarge = { topic: s.topic, key: 'k', value: Buffer.alloc(maxRecordBytes + 1) };
      await expectRefused(s.publish(tooLarge), 'invalid_request');
      await s.publish(s.record('k', 1));
      await member.got(2);
      expect(member.received).toHaveLength(2);
    });

    it('for a topic that was not started is refused', async () => {
      const s = await scene();
      await expectRefused(s.publish({ ...s.record('k', 1), topic: freshName('unknown') }), 'invalid_request');
      await expectRefused(
        s.transport.subscribe(freshName('unknown'), s.group, await s.join()),
        'invalid_request',
      );
    });
  });

  describe('keys', () => {
    it('keep their order, over publish calls that do not wait for each other', async () => {
      const s = await scene();
      const KEYS = 40;
      const ROUNDS = 25;
      const calls: Promise<void>[] = [];
      for (let n = 0; n < ROUNDS; n++) {
        for (let k = 0; k < KEYS; k++) calls.push(s.publish(s.record(`k${k}`, n)));
        if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(calls);
      const member = await (await s.join()).got(KEYS * ROUNDS);
      const numbers = numbersByKey(member.texts);
      expect(numbers.size).toBe(KEYS);
      for (const got of numbers.values()) expect(got).toEqual(upTo(ROUNDS));
      expect(member.received).toHaveLength(KEYS * ROUNDS);
      s.checkAll();
    });

    it('keep their order within one publish call', async () => {
      const s = await scene();
      const records = upTo(500).map((i) => s.record(`k${i % 7}`, Math.floor(i / 7)));
      await s.publish(...records);
      for (const got of numbersByKey((await (await s.join()).got(500)).texts).values()) {
        expect(got).toEqual(upTo(got.length));
      }
    });

    it('go to one partition each, to all partitions together, and stay there after a restart', async () => {
      const s = await scene();
      const place = async (group: string, rounds: number) => {
        const member = await (await s.join(group)).got(200 * rounds);
        const places = new Map<string, Set<number>>();
        for (const { key, partition } of member.received) {
          places.set(key!, (places.get(key!) ?? new Set()).add(partition));
        }
        return places;
      };
      await s.publishMany(200, 1);
      const before = await place('before', 1);
      expect([...before.values()].every((partitions) => partitions.size === 1)).toBe(true);
      expect(new Set([...before.values()].flatMap((partitions) => [...partitions])).size).toBe(PARTITIONS);
      await s.reopen();
      await s.publishMany(200, 1);
      expect(await place('after', 2)).toEqual(before);
    });

    applies(capabilities.shared, 'one process has the log')(
      'go to one partition, whoever publishes',
      async () => {
        const s = await scene();
        const other = await bed().open();
        await other.start([{ topic: s.topic, partitions: PARTITIONS }]);
        await s.publishMany(50, 1);
        await other.publish(upTo(50).map((k) => s.record(`k${k}`, 1)));
        const places = new Map<string, Set<number>>();
        for (const { key, partition } of (await (await s.join()).got(100)).received) {
          places.set(key!, (places.get(key!) ?? new Set()).add(partition));
        }
        expect(places.size).toBe(50);
        expect([...places.values()].every((partitions) => partitions.size === 1)).toBe(true);
      },
    );
  });

  describe('publish', () => {
    it('of nothing does nothing', async () => {
      const s = await scene();
      await s.publish();
    });

    it('to several topics at once reaches each', async () => {
      const s = await scene();
      const other = freshName('topic');
      await s.transport.start([{ topic: other, partitions: 1 }]);
      await s.publish(s.record('a', 1), { ...s.record('a', 2), topic: other }, s.record('a', 3));
      expect((await (await s.join()).got(2)).texts).toEqual(['a#1', 'a#3']);
      expect((await (await s.join(s.group, other)).got(1)).texts).toEqual(['a#2']);
    });

    it('that is refused for one of its records writes none of an unknown topic', async () => {
      const s = await scene();
      await expectRefused(
        s.publish(s.record('a', 1), { ...s.record('a', 2), topic: freshName('unknown') }),
        'invalid_request',
      );
      await s.publish(s.record('a', 3));
      const member = await (await s.join()).got(1);
      expect(member.texts.filter((text) => text === 'a#2')).toEqual([]);
    });

    it('makes lag grow, and a commit makes it shrink', async () => {
      const s = await scene();
      const lag = async () => {
        const rows = await s.transport.lag(s.topic, s.group);
        expect(rows.map((row) => row.partition).sort((a, b) => a - b)).toEqual(upTo(PARTITIONS));
        expect(new Set(rows.map((row) => row.topic))).toEqual(new Set([s.topic]));
        return rows.reduce((sum, row) => sum + row.end - row.committed, 0);
      };
      const member = await (await s.join()).has(PARTITIONS);
      expect(await lag()).toBe(0);
      await s.publishMany(10, 4);
      await member.got(40);
      expect(await lag()).toBeGreaterThanOrEqual(40);
      expect(await member.commitAll()).toBe('committed');
      expect(await lag()).toBeLessThanOrEqual(PARTITIONS);
    });

    it('after close is refused', async () => {
      const s = await scene();
      await s.transport.ping();
      const feed = await s.join();
      await s.leave(feed);
      await s.transport.close();
      await expectRefused(s.publish(s.record('k', 1)), 'closed');
      await expectRefused(s.transport.subscribe(s.topic, s.group, feed), 'closed');
      await expectRefused(s.transport.lag(s.topic, s.group), 'closed');
      await expectRefused(s.transport.ping(), 'closed');
      await expectRefused(s.transport.start([{ topic: s.topic, partitions: 1 }]), 'closed');
    });

    it('while closing has happened or is refused', async () => {
      const s = await scene();
      const calls = settleAll(upTo(200).map((n) => s.publish(s.record(`k${n}`, n))));
      await s.transport.close();
      const settled = await calls;
      expectHappenedOrRefused(settled);
      await s.again();
      const happened = upTo(200).filter((n) => settled[n]!.ok);
      const texts = new Set((await (await s.join()).got(happened.length)).texts);
      expect(happened.filter((n) => !texts.has(`k${n}#${n}`))).toEqual([]);
    });
  });

  describe('start', () => {
    it('leaves a topic that is there as it is', async () => {
      const s = await scene(2);
      await s.publishMany(10, 2);
      await s.transport.start([{ topic: s.topic, partitions: 8 }]);
      expect(await s.transport.lag(s.topic, s.group)).toHaveLength(2);
      expect((await (await s.join()).got(20)).partitions).toEqual([0, 1]);
    });
  });

  it('tells what it can do as it was said to', async () => {
    const s = await scene();
    const { shared, durability, maxMetadataBytes, maxRecordBytes } = s.transport.capabilities;
    expect({ shared, durability }).toEqual({
      shared: capabilities.shared,
      durability: capabilities.durability,
    });
    // the key-ordered consumer needs some room, an event of the inline limit and its envelope too
    expect(maxMetadataBytes).toBeGreaterThanOrEqual(1024);
    expect(maxRecordBytes).toBeGreaterThanOrEqual(512 * 1024);
  });
};
