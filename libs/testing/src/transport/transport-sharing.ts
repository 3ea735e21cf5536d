import { describe, expect, it } from '@jest/globals';
import { refusal } from '../contract/refusals.js';
import { eventually, settles } from '../eventually.js';
import type { Member } from './member.js';
import { PARTITIONS, type TransportSuite } from './transport-suite.js';

const all = Array.from({ length: PARTITIONS }, (_, i) => i);
const sorted = (texts: readonly string[]): string[] => [...texts].sort();

/** Who has which partition, what a new owner gets, and what the one before can do no more. */
export const transportSharing = ({ scene }: TransportSuite): void => {
  describe('two members of one group', () => {
    const apart = async (a: Member, b: Member) => {
      await settles(
        () => {
          expect([...a.partitions, ...b.partitions].sort((x, y) => x - y)).toEqual(all);
          expect(Math.min(a.owned.size, b.owned.size)).toBeGreaterThan(0);
        },
        { timeoutMs: 15_000 },
      );
    };

    it('share the partitions, each with one owner, and miss nothing', async () => {
      const s = await scene();
      const a = await (await s.join()).has(PARTITIONS);
      const b = await s.join();
      await apart(a, b);
      const texts = await s.publishMany(40, 5);
      await eventually(() => new Set([...a.texts, ...b.texts]).size === 200, { timeoutMs: 15_000 });
      expect(sorted([...new Set([...a.texts, ...b.texts])])).toEqual(sorted(texts));
      s.checkAll();
    });

    it('hand over what is not committed, with its position, when one leaves', async () => {
      const s = await scene();
      const a = await (await s.join()).has(PARTITIONS);
      const b = await s.join();
      await apart(a, b);
      await s.publishMany(40, 5);
      await eventually(() => new Set([...a.texts, ...b.texts]).size === 200, { timeoutMs: 15_000 });
      const theirs = a.partitions;
      const first = theirs[0]!;
      await a.commit([{ partition: first, offset: 1, metadata: 'one done' }]);
      const uncommitted = a.received.filter((r) => !(r.partition === first && r.offset < 1));
      const before = b.received.length;
      await s.leave(a);
      await b.has(PARTITIONS);
      expect(b.owned.get(first)).toEqual({ partition: first, offset: 1, metadata: 'one done' });
      const wanted = uncommitted
        .filter((r) => theirs.includes(r.partition))
        .map((r) => `${r.partition}/${r.offset}`);
      await settles(() => {
        const got = b.received.slice(before).map((r) => `${r.partition}/${r.offset}`);
        expect(got).toEqual(expect.arrayContaining(wanted));
        expect(got).not.toContain(`${first}/0`);
      });
      s.checkAll();
    });

    it('a commit for a lost partition is fenced and writes nothing', async () => {
      const s = await scene();
      await s.publishMany(40, 5);
      const a = await (await s.join()).got(200);
      const b = await s.join();
      await apart(a, b);
      const [lost] = b.partitions;
      const [kept] = a.partitions;
      const before = (await s.committed())[lost!];
      expect(await a.commit([{ partition: lost!, offset: 3, metadata: 'stale' }])).toBe('fenced');
      expect((await s.committed())[lost!]).toBe(before);
      expect(
        await a.commit([
          { partition: kept!, offset: 2, metadata: '' },
          { partition: lost!, offset: 4, metadata: 'stale' },
        ]),
      ).toBe('fenced');
      expect((await s.committed())[lost!]).toBe(before);
      expect(await b.commit([{ partition: lost!, offset: 1, metadata: 'new owner' }])).toBe('committed');
      expect(await a.commit([{ partition: lost!, offset: 5, metadata: 'stale' }])).toBe('fenced');
      expect((await s.committed())[lost!]).toBe(1);
      expect(await a.commit([{ partition: kept!, offset: 2, metadata: '' }])).toBe('committed');
      expect((await s.committed())[kept!]).toBe(2);
      await s.leave(b);
      await a.has(PARTITIONS);
      expect(a.owned.get(lost!)).toEqual({ partition: lost!, offset: 1, metadata: 'new owner' });
    });

    it('a commit after leaving writes nothing', async () => {
      const s = await scene();
      await s.publishMany(10, 5);
      const a = await (await s.join()).got(50);
      await s.leave(a);
      const reply = await a
        .commit([{ partition: 0, offset: 3, metadata: '' }])
        .catch((error: unknown) => error);
      if (reply !== 'fenced') expect((await refusal(Promise.reject(reply as Error))).code).toBe('closed');
      expect(await s.committed()).toEqual([0, 0, 0, 0]);
    });

    it('more members than partitions: each partition has one, and the others take over', async () => {
      const s = await scene(2);
      const members: Member[] = [];
      for (let i = 0; i < 4; i++) members.push(await s.join());
      const owners = () => members.flatMap((member) => member.partitions).sort((x, y) => x - y);
      await settles(() => expect(owners()).toEqual([0, 1]), { timeoutMs: 15_000 });
      const texts = await s.publishMany(10, 2);
      for (let left = 4; left > 1; left--) {
        const busy = members.findIndex((member) => member.owned.size > 0);
        const [leaving] = members.splice(busy, 1);
        await s.leave(leaving!);
        await settles(() => expect(owners()).toEqual([0, 1]), { timeoutMs: 15_000 });
      }
      const last = await members[0]!.got(20);
      expect(sorted(last.texts)).toEqual(sorted(texts));
      s.checkAll();
    });
  });
};
