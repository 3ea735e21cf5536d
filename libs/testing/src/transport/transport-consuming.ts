import { describe, expect, it } from '@jest/globals';
import { settles } from '../eventually.js';
import { freshName } from '../fresh-name.js';
import { PARTITIONS, type TransportSuite } from './transport-suite.js';

const all = Array.from({ length: PARTITIONS }, (_, i) => i);
const sorted = (texts: readonly string[]): string[] => [...texts].sort();

/** Groups, their positions, redelivery, pauses. */
export const transportConsuming = ({ scene }: TransportSuite): void => {
  describe('a group', () => {
    it('that is new begins at the first record, and gets what comes later', async () => {
      const s = await scene();
      const before = await s.publishMany(20, 3, 'old');
      const member = await (await s.join()).got(60);
      expect(member.partitions).toEqual(all);
      for (const position of member.owned.values()) expect(position.metadata).toBe('');
      const later = await s.publishMany(20, 2, 'new');
      await member.got(100);
      expect(sorted(member.texts)).toEqual(sorted([...before, ...later]));
      expect(member.received).toHaveLength(100);
      s.checkAll();
    });

    it('gets every record whatever other groups have done', async () => {
      const s = await scene();
      const texts = await s.publishMany(10, 5);
      const first = await (await s.join('first')).got(50);
      await first.commitAll();
      const second = await (await s.join('second')).got(50);
      expect(sorted(second.texts)).toEqual(sorted(texts));
      expect(await s.committed('second')).toEqual([0, 0, 0, 0]);
    });

    it('gets a large backlog once, in order', async () => {
      const s = await scene();
      const texts = await s.publishMany(50, 100);
      const member = await (await s.join()).got(5_000);
      expect(member.received).toHaveLength(5_000);
      expect(sorted(member.texts)).toEqual(sorted(texts));
      s.checkAll();
    }, 30_000);
  });

  describe('positions', () => {
    it('hold offset and metadata for the next member', async () => {
      const s = await scene();
      await s.publishMany(20, 5);
      const member = await (await s.join()).got(100);
      const wanted = all.map((partition) => ({ partition, offset: partition, metadata: `r1:é${partition}` }));
      expect(await member.commit(wanted)).toBe('committed');
      await s.leave(member);
      const next = await (await s.join()).has(PARTITIONS);
      expect(all.map((partition) => next.owned.get(partition))).toEqual(wanted);
      await settles(() => {
        for (const partition of all) {
          const offsets = next.received.filter((r) => r.partition === partition).map((r) => r.offset);
          expect(offsets[0]).toBe(partition);
        }
      });
      s.checkAll();
    });

    it.each(['restart', 'crash'] as const)(
      'outlive a %s, and what lies behind them comes again',
      async (how) => {
        const s = await scene();
        await s.publishMany(40, 5);
        const member = await (await s.join()).got(200);
        const half = all.map((partition) => ({
          partition,
          offset: Math.floor(member.received.filter((r) => r.partition === partition).length / 2),
          metadata: `of ${partition}`,
        }));
        expect(await member.commit(half)).toBe('committed');
        await (how === 'crash' ? s.crash() : s.reopen());
        expect(await s.committed()).toEqual(half.map((position) => position.offset));
        const rest = member.received.filter((r) => r.offset >= half[r.partition]!.offset);
        const next = await (await s.join()).got(rest.length);
        expect(all.map((partition) => next.owned.get(partition))).toEqual(half);
        const place = (r: { partition: number; offset: number }) => `${r.partition}/${r.offset}`;
        expect(sorted(next.received.map(place))).toEqual(sorted(rest.map(place)));
        s.checkAll();
      },
    );

    it('that are not committed stay where they were', async () => {
      const s = await scene();
      const texts = await s.publishMany(10, 3);
      const member = await (await s.join()).got(30);
      await s.leave(member);
      const again = await (await s.join()).got(30);
      expect(sorted(again.texts)).toEqual(sorted(texts));
    });

    it('committed again, or twice at once, are the same', async () => {
      const s = await scene();
      await s.publishMany(10, 3);
      const member = await (await s.join()).got(30);
      expect(await Promise.all([member.commitAll(), member.commitAll()])).toEqual(['committed', 'committed']);
      const before = await s.committed();
      expect(await member.commitAll()).toBe('committed');
      expect(await s.committed()).toEqual(before);
    });

    it('take metadata of the longest size', async () => {
      const s = await scene();
      const member = await (await s.join()).has(PARTITIONS);
      const metadata = 'm'.repeat(s.transport.capabilities.maxMetadataBytes);
      expect(await member.commit([{ partition: 2, offset: 0, metadata }])).toBe('committed');
      await s.leave(member);
      const next = await (await s.join()).has(PARTITIONS);
      expect(next.owned.get(2)!.metadata === metadata).toBe(true);
      expect(next.owned.get(1)!.metadata).toBe('');
    });
  });

  describe('pause', () => {
    it('holds back records of its partitions alone, and resume loses none', async () => {
      const s = await scene();
      const keys = await s.keyPerPartition();
      const member = await (await s.join()).has(PARTITIONS);
      await settles(() => expect(new Set(member.received.map((r) => r.partition)).size).toBe(PARTITIONS));
      member.pause([1, 3]);
      // what was on its way when the pause began may still come
      await s.publish(s.record(keys[0]!, 1), s.record(keys[2]!, 1));
      await settles(() =>
        expect(member.texts).toEqual(expect.arrayContaining([`${keys[0]!}#1`, `${keys[2]!}#1`])),
      );
      for (let n = 2; n < 20; n++) await s.publish(...all.map((partition) => s.record(keys[partition]!, n)));
      await settles(() =>
        expect(member.texts).toEqual(expect.arrayContaining([`${keys[0]!}#19`, `${keys[2]!}#19`])),
      );
      expect(member.texts.filter((text) => text.startsWith(keys[1]!) && !text.endsWith('#0'))).toEqual([]);
      member.resume([1]);
      await settles(() => expect(member.texts).toContain(`${keys[1]!}#19`));
      expect(member.texts.filter((text) => text.startsWith(keys[3]!) && !text.endsWith('#0'))).toEqual([]);
      member.resume([3, 0]);
      await settles(() => expect(member.texts).toContain(`${keys[3]!}#19`));
      s.checkAll();
    });

    it('ends with the ownership: the next owner gets the records', async () => {
      const s = await scene();
      const a = await (await s.join()).has(PARTITIONS);
      a.pause(all);
      const texts = await s.publishMany(20, 2);
      await s.leave(a);
      const b = await (await s.join()).got(40);
      expect(sorted(b.texts)).toEqual(sorted(texts));
    });

    it('lets a partition be committed meanwhile', async () => {
      const s = await scene();
      await s.publishMany(10, 2);
      const a = await (await s.join()).got(20);
      a.pause(all);
      expect(await a.commitAll()).toBe('committed');
    });
  });

  describe('a subscription that was closed', () => {
    it('is called no more, also in the middle of a backlog', async () => {
      const s = await scene();
      await s.publishMany(50, 100);
      const member = await (await s.join()).got(1);
      await member.close();
      const { calls } = member;
      await s.publishMany(10, 2, 'later');
      const other = await (await s.join(freshName('group'))).got(5_020);
      expect(other.texts).toHaveLength(5_020);
      expect(member.calls).toBe(calls);
      expect(member.violations).toEqual([]);
    }, 30_000);
  });
};
