import { describe, expect, it } from '@jest/globals';
import type { SlotRequest, SlotStore } from '#idempotency';
import { expectRefused } from '../contract/refusals.js';
import {
  DEFAULT_SUITE_CAPABILITIES,
  freshBeds,
  openSeveral,
  type SuiteCapabilities,
  type TestBedFactory,
} from '../contract/test-bed.js';
import { timingFor } from '../contract/timing.js';
import { freshName } from '../fresh-name.js';
import { noLeftovers } from '../leftovers.js';

let made = 0;

/** What every {@link SlotStore} promises, as tests. */
export const slotStoreContract = (
  name: string,
  factory: TestBedFactory<SlotStore>,
  given: Partial<SuiteCapabilities> = {},
): void => {
  const capabilities = { ...DEFAULT_SUITE_CAPABILITIES, ...given };
  const { leaseMs, marginMs } = timingFor(capabilities);
  /** shorter than a lease, longer than a handful of moves */
  const patienceMs = leaseMs / 3;

  describe(`slot store: ${name}`, () => {
    noLeftovers();
    const bed = freshBeds(factory);
    const stores = () => openSeveral(bed(), capabilities, 3);
    const past = (ms: number) => bed().advance(ms + marginMs);
    const ask = (tool: string, over: Partial<SlotRequest> = {}): SlotRequest => ({
      tool,
      token: `slots:${++made}`,
      limit: 2,
      leaseMs,
      since: made,
      patienceMs: 0,
      ...over,
    });
    /** Who asks one after the other, and what they are told. */
    const takeAll = async (store: SlotStore, asks: readonly SlotRequest[]) => {
      const answers: string[] = [];
      for (const one of asks) answers.push(await store.take(one));
      return answers;
    };

    it('gives as many slots as there are, whichever instance is asked', async () => {
      const [store, other = store] = await stores();
      const tool = freshName('tool');
      const [a, b, c] = [ask(tool), ask(tool), ask(tool)];
      expect([await store.take(a), await other.take(b), await store.take(c)]).toEqual([
        'taken',
        'taken',
        'full',
      ]);
      await other.free(tool, a.token);
      expect(await other.take(c)).toBe('taken');
      expect(await store.take(ask(tool))).toBe('full');
    });

    it('keeps tools apart', async () => {
      const store = await bed().open();
      const [one, two] = [freshName('tool'), freshName('tool')];
      expect(
        await takeAll(store, [ask(one, { limit: 1 }), ask(two, { limit: 1 }), ask(one, { limit: 1 })]),
      ).toEqual(['taken', 'taken', 'full']);
    });

    it('gives one slot to the same move twice', async () => {
      const [store, other = store] = await stores();
      const tool = freshName('tool');
      const a = ask(tool);
      expect([await store.take(a), await other.take(a), await store.take(a)]).toEqual(Array(3).fill('taken'));
      expect(await takeAll(store, [ask(tool), ask(tool)])).toEqual(['taken', 'full']);
      // also when there is none left
      expect(await other.take(a)).toBe('taken');
      await store.free(tool, a.token);
      await store.free(tool, a.token);
      // one was free, however often it was said
      expect(await takeAll(store, [ask(tool), ask(tool)])).toEqual(['taken', 'full']);
    });

    it('gives as many as there are to many that ask at once', async () => {
      const all = await stores();
      const tool = freshName('tool');
      const asks = Array.from({ length: 60 }, () => ask(tool, { limit: 7, patienceMs }));
      const answers = await Promise.all(asks.map((one, i) => (all[i % all.length] ?? all[0]).take(one)));
      expect(answers.filter((answer) => answer === 'taken')).toHaveLength(7);
    });

    it('never has more holders than slots, while many come and go', async () => {
      const all = await stores();
      const tool = freshName('tool');
      let holders = 0;
      let most = 0;
      let rounds = 0;
      const work = async (store: SlotStore): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          const one = ask(tool, { limit: 3, patienceMs });
          while ((await store.take(one)) === 'full') await new Promise((resolve) => setImmediate(resolve));
          most = Math.max(most, ++holders);
          rounds++;
          await new Promise((resolve) => setImmediate(resolve));
          holders--;
          await store.free(tool, one.token);
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, i) => work(all[i % all.length] ?? all[0])));
      expect({ most, rounds }).toEqual({ most: 3, rounds: 120 });
    });

    it('gives away the slot of a holder whose lease is over, and of no other', async () => {
      const [store, other = store] = await stores();
      const tool = freshName('tool');
      const [dead, alive, next] = [ask(tool), ask(tool), ask(tool)];
      await takeAll(store, [dead, alive]);
      await bed().advance(leaseMs / 2);
      expect(await other.renew(tool, alive.token, leaseMs * 4)).toBe('held');
      expect(await store.take(next)).toBe('full');
      await past(leaseMs / 2);
      expect(await other.take(next)).toBe('taken');
      expect(await store.take(ask(tool))).toBe('full');
      expect(await store.renew(tool, dead.token, leaseMs)).toBe('lost');
      expect(await store.renew(tool, alive.token, leaseMs * 4)).toBe('held');
      expect(await store.renew(tool, next.token, leaseMs * 4)).toBe('held');
      // a token that holds nothing gives nothing back
      await store.free(tool, dead.token);
      expect(await store.take(ask(tool))).toBe('full');
    });

    it('lets a holder renew a lease that is over while nobody needs its slot', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      const [late, other] = [ask(tool), ask(tool)];
      await store.take(late);
      await past(leaseMs);
      // there is another one free
      expect(await store.take(other)).toBe('taken');
      expect(await store.renew(tool, late.token, leaseMs)).toBe('held');
      expect(await store.take(ask(tool))).toBe('full');
    });

    it('gives the slots of killed processes to others, when their leases are over at the latest', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      await takeAll(store, [ask(tool), ask(tool)]);
      await bed().crash();
      const next = await bed().open();
      await past(leaseMs);
      expect(await takeAll(next, [ask(tool), ask(tool), ask(tool)])).toEqual(['taken', 'taken', 'full']);
    });

    it('serves those in line before others, by how long they have waited', async () => {
      const [store, other = store] = await stores();
      const tool = freshName('tool');
      const holder = ask(tool, { limit: 1 });
      const line = [20, 10, 30].map((since) => ask(tool, { limit: 1, since, patienceMs }));
      const [young, old, newcomer] = line as [SlotRequest, SlotRequest, SlotRequest];
      await store.take(holder);
      expect(await takeAll(other, [young, old])).toEqual(['full', 'full']);
      await store.free(tool, holder.token);
      // it is free, and meant for the one who has waited longest
      expect(await takeAll(store, [newcomer, young])).toEqual(['full', 'full']);
      expect(await store.take(old)).toBe('taken');
      await store.free(tool, old.token);
      expect(await takeAll(other, [newcomer, young])).toEqual(['full', 'taken']);
    });

    it('waits for nobody who has given up, or never stood in line', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      const [holder, leaves, waits] = [1, 10, 30].map((since) => ask(tool, { limit: 1, since, patienceMs }));
      await takeAll(store, [holder!, leaves!, ask(tool, { limit: 1, since: 20 })]);
      await store.free(tool, leaves!.token);
      await store.free(tool, holder!.token);
      await bed().advance(1);
      expect(await store.take(waits!)).toBe('taken');
    });

    it('waits for one who asks no more as long as he wanted, and no longer', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      const [holder, gone, waits] = [1, 10, 30].map((since) => ask(tool, { limit: 1, since, patienceMs }));
      await takeAll(store, [holder!, gone!]);
      await store.free(tool, holder!.token);
      expect(await store.take(waits!)).toBe('full');
      await past(patienceMs);
      expect(await store.take(waits!)).toBe('taken');
    });

    it('keeps in line who asks again in time', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      const [holder, old, young] = [1, 10, 20].map((since) => ask(tool, { limit: 1, since, patienceMs }));
      await takeAll(store, [holder!, old!]);
      for (let i = 0; i < 3; i++) {
        await bed().advance(patienceMs / 2);
        await store.renew(tool, holder!.token, leaseMs);
        expect(await store.take(old!)).toBe('full');
      }
      await store.free(tool, holder!.token);
      expect(await takeAll(store, [young!, old!])).toEqual(['full', 'taken']);
    });

    it('gives none above a limit that has become lower', async () => {
      const store = await bed().open();
      const tool = freshName('tool');
      const [a, b] = [ask(tool), ask(tool)];
      await takeAll(store, [a, b]);
      await store.free(tool, a.token);
      expect(await takeAll(store, [ask(tool, { limit: 1 }), ask(tool)])).toEqual(['full', 'taken']);
    });

    it('refuses everything once it is closed', async () => {
      const store = await bed().open();
      const one = ask(freshName('tool'));
      await store.take(one);
      await store.close();
      await expectRefused(store.take(one), 'closed');
      await expectRefused(store.renew(one.tool, one.token, leaseMs), 'closed');
      await expectRefused(store.free(one.tool, one.token), 'closed');
    });
  });
};
