import { describe, expect, it } from '@jest/globals';
import type { DeliveryCount, DeliveryLedger, Instance, PartitionPlace, Taken } from '#state';
import { type TestBedFactory, freshBeds } from '../contract/test-bed.js';
import { eventually } from '../eventually.js';
import { noLeftovers } from '../leftovers.js';

/** How long the beds of this suite keep a conviction, ms: short, as a real clock is waited for. */
export const SUITE_DELIVERY_RETENTION_MS = 4_000;

const place = (over: Partial<PartitionPlace> = {}): PartitionPlace => ({
  topic: 'agent.intent',
  partition: 3,
  ...over,
});

const instance = (boot: string): Instance => ({ boot, name: 'i', roles: ['api', 'scheduler'], version: '1' });

const record = (event: string, offset: number) => ({ event, offset });
const counted = (
  event: string,
  offset: number,
  deliveries: number,
  over: Partial<DeliveryCount> = {},
): DeliveryCount => ({ event, offset, deliveries, kills: 0, convicted: false, ...over });
const sorted = ({ counts }: Taken): DeliveryCount[] =>
  [...counts].sort((a, b) => (a.event < b.event ? -1 : 1));

/** What every {@link DeliveryLedger} promises, as tests. */
export const deliveryLedgerContract = (
  name: string,
  factory: TestBedFactory<DeliveryLedger>,
  capabilities: { shared: boolean },
): void => {
  describe(`delivery ledger: ${name}`, () => {
    noLeftovers();
    const bed = freshBeds(factory);

    it('has no count of a partition that nobody had', async () => {
      const ledger = await bed().open();
      expect(await ledger.take(place(), 'boot-1', 0)).toEqual({ died: false, counts: [] });
    });

    it('tells a process that died from one that stopped in order, and from ours', async () => {
      const first = await bed().open();
      await first.beat(instance('boot-1'), 1);
      await first.take(place(), 'boot-1', 0);
      expect((await first.take(place(), 'boot-1', 0)).died).toBe(false);
      await bed().crash();
      const second = await bed().open();
      // a beat may have been over a moment ago
      expect(
        await eventually(async () => {
          const died = (await second.take(place(), 'boot-2', 0)).died;
          if (!died) await second.take(place(), 'boot-1', 0);
          return died;
        }),
      ).toBe(true);
      await second.leave('boot-2');
      const third = await bed().open();
      expect((await third.take(place(), 'boot-3', 0)).died).toBe(false);
      // another partition of it, whose owner had not come back
      expect((await third.take(place({ partition: 4 }), 'boot-3', 0)).died).toBe(false);
    });

    if (capabilities.shared)
      it('takes no living process for dead that only lost the partition', async () => {
        const one = await bed().open();
        const other = await bed().open();
        await one.beat(instance('boot-1'), 60_000);
        await one.take(place(), 'boot-1', 0);
        expect((await other.take(place(), 'boot-2', 0)).died).toBe(false);
      });

    it('counts deliveries and kills of each event, and keeps them through a crash', async () => {
      const ledger = await bed().open();
      await ledger.take(place(), 'boot-1', 0);
      await ledger.count(place(), [record('a', 7), record('b', 900), record('c', 12_345_678)]);
      await ledger.count(place(), [record('b', 901)]);
      await ledger.count(place(), [record('b', 899)]);
      await ledger.count(place({ topic: 'agent.observation' }), [record('a', 7)]);
      await ledger.count(place(), []);
      expect(await ledger.kill(place(), 'b')).toBe(1);
      expect(await ledger.kill(place(), 'b')).toBe(2);
      await bed().crash();
      const next = await bed().open();
      const a = counted('a', 7, 1);
      const b = counted('b', 901, 3, { kills: 2 });
      const c = counted('c', 12_345_678, 1);
      expect(sorted(await next.take(place(), 'boot-2', 7))).toEqual([a, b, c]);
      // what is finished below is forgotten for good
      expect(sorted(await next.take(place(), 'boot-2', 8))).toEqual([b, c]);
      expect(sorted(await next.take(place(), 'boot-2', 0))).toEqual([b, c]);
    });

    it('remembers a conviction until it is released', async () => {
      const ledger = await bed().open();
      await ledger.count(place(), [record('a', 7), record('b', 8)]);
      await ledger.convict(place(), 'a');
      expect(await ledger.isConvicted(place(), 'a')).toBe(true);
      expect(await ledger.isConvicted(place(), 'b')).toBe(false);
      expect(await ledger.isConvicted(place({ partition: 4 }), 'a')).toBe(false);
      await ledger.forget(place());
      // a copy of it may lie further on
      for (const offset of [0, 9_000])
        expect(sorted(await ledger.take(place(), 'boot-1', offset))).toEqual([
          counted('a', 7, 1, { convicted: true }),
        ]);
      await ledger.release(place(), 'a');
      await ledger.release(place(), 'nobody');
      expect(await ledger.isConvicted(place(), 'a')).toBe(false);
      expect(sorted(await ledger.take(place(), 'boot-1', 0))).toEqual([]);
    });

    it('forgets a conviction after the retention time', async () => {
      const ledger = await bed().open();
      await ledger.count(place(), [record('a', 7)]);
      await ledger.convict(place(), 'a');
      // the partition is taken now and then
      for (let i = 0; i < 4; i++) {
        await bed().advance(SUITE_DELIVERY_RETENTION_MS / 3);
        await ledger.take(place(), 'boot-1', 0);
      }
      expect((await ledger.take(place(), 'boot-1', 0)).counts).toEqual([]);
      expect(await ledger.isConvicted(place(), 'a')).toBe(false);
    });

    it('tells the counts of a partition without taking it', async () => {
      const ledger = await bed().open();
      await ledger.take(place(), 'boot-1', 0);
      await ledger.count(place(), [record('a', 7), record('b', 9)]);
      await ledger.count(place(), [record('a', 7)]);
      await ledger.convict(place(), 'b');
      const counts = [...(await ledger.counts(place()))].sort((x, y) => (x.event < y.event ? -1 : 1));
      expect(counts).toEqual([counted('a', 7, 2), counted('b', 9, 1, { convicted: true })]);
      expect(await ledger.counts(place({ partition: 30 }))).toEqual([]);
      expect(sorted(await ledger.take(place(), 'boot-1', 0))).toEqual(counts);
    });

    it('tells which processes live, and what they are, where there can be several', async () => {
      const ledger = await bed().open();
      await ledger.beat(instance('boot-1'), 60_000);
      await ledger.beat(instance('boot-2'), 60_000);
      await ledger.beat(instance('boot-3'), 1);
      await ledger.leave('boot-2');
      const living = capabilities.shared ? [instance('boot-1')] : [];
      await eventually(async () => (await ledger.instances()).length === living.length);
      expect(await ledger.instances()).toEqual(living);
    });

    it('counts thousands in one call', async () => {
      const ledger = await bed().open();
      const all = Array.from({ length: 5_000 }, (_, i) => record(`e${i}`, i));
      await ledger.count(place(), all);
      const { counts } = await ledger.take(place(), 'boot-1', 0);
      expect(counts).toHaveLength(5_000);
      await ledger.forget(place());
      expect((await ledger.take(place(), 'boot-1', 0)).counts).toEqual([]);
    });

    it('forgets the counts of one partition, and not who has it', async () => {
      const ledger = await bed().open();
      await ledger.take(place(), 'boot-1', 0);
      await ledger.count(place(), [record('a', 7)]);
      await ledger.count(place({ partition: 30 }), [record('a', 7)]);
      await ledger.forget(place());
      await ledger.forget(place());
      expect(await ledger.take(place(), 'boot-1', 0)).toEqual({ died: false, counts: [] });
      expect((await ledger.take(place({ partition: 30 }), 'boot-1', 0)).counts).toHaveLength(1);
    });
  });
};
