import { describe, expect, it } from '@jest/globals';
import type { ClaimStore } from '#idempotency';
import { applies } from '../contract/test-bed.js';
import { expectRefused } from '../contract/refusals.js';
import { type Claimant, cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** One claim, and two who want it. */
interface Scene {
  store: ClaimStore;
  a: Claimant;
  b: Claimant;
}

/** Every move arrives twice: its first reply was lost on the way. */
export const claimRepeats = ({ bed, claimant, timing, leasesOver, capabilities }: ClaimSuite): void => {
  const seal = ({ store, a }: Scene) => store.seal(a.key, a.digest, cancelled(), timing.retentionMs);
  const held = async ({ a }: Scene) => {
    await a.claim();
  };
  const started = async (s: Scene) => {
    await held(s);
    await s.a.start();
  };
  const dead = async (s: Scene) => {
    await held(s);
    await leasesOver();
  };
  const takenOver = async (s: Scene) => {
    await dead(s);
    await s.b.claim();
  };
  const recorded = async (s: Scene) => {
    await held(s);
    await s.a.record();
  };
  const nothing = async () => {};

  /** what happened before, and the move that then comes twice */
  const twice: [string, (scene: Scene) => Promise<void>, (scene: Scene) => Promise<unknown>][] = [
    ['claim of a fresh one', nothing, ({ a }) => a.claim()],
    ['claim of a held one', held, ({ b }) => b.claim()],
    ['claim of a recorded one', recorded, ({ b }) => b.claim()],
    ['takeover', dead, ({ b }) => b.claim()],
    [
      'takeover of a started one',
      async (s) => {
        await started(s);
        await leasesOver();
      },
      ({ b }) => b.claim(),
    ],
    [
      'takeover of a handed back one',
      async (s) => {
        await held(s);
        await s.a.handBack();
      },
      ({ b }) => b.claim(),
    ],
    [
      'takeover of a deferred one',
      async (s) => {
        await held(s);
        await s.a.defer({ attempts: 2, notBefore: 5, handOver: true, record: 'r' });
      },
      ({ b }) => b.claim(),
    ],
    [
      'takeover from a dead owner of a handed over one',
      async (s) => {
        await held(s);
        await s.a.keep();
        await leasesOver();
      },
      ({ b }) => b.claim(),
    ],
    ['start', held, ({ a }) => a.start()],
    ['start, the lease being over', dead, ({ a }) => a.start()],
    [
      'start, sealed',
      async (s) => {
        await held(s);
        await seal(s);
      },
      ({ a }) => a.start(),
    ],
    ['renew', held, ({ a }) => a.renew()],
    ['renew of a dead one', dead, ({ a }) => a.renew()],
    ['renew of one that its owner has ended', recorded, ({ a }) => a.renew()],
    ['defer', started, ({ a }) => a.defer({ attempts: 1, notBefore: 7 })],
    [
      'defer with a hand-over',
      started,
      ({ a }) => a.defer({ attempts: 1, notBefore: 7, handOver: true, record: 'r' }),
    ],
    ['keep', held, ({ a }) => a.keep('r')],
    ['record', held, ({ a }) => a.record()],
    [
      'record of a signalled one',
      async (s) => {
        await started(s);
        await seal(s);
      },
      ({ a }) => a.record(),
    ],
    ['record, lost', takenOver, ({ a }) => a.record()],
    [
      'record, superseded',
      async (s) => {
        await takenOver(s);
        await s.b.record(succeeded('b'));
      },
      ({ a }) => a.record(),
    ],
    ['record, none', nothing, ({ a }) => a.record()],
    ['seal of nothing', nothing, seal],
    ['seal of a held one', held, seal],
    ['seal of a started one', started, seal],
    ['seal of a recorded one', recorded, seal],
    ['handBack', started, ({ a }) => a.handBack()],
    ['drop', held, ({ a }) => a.drop()],
    ['forget', recorded, ({ store, a }) => store.forget([a.key])],
  ];

  /** where the clock runs, times move on between the two */
  const still = (view: Awaited<ReturnType<typeof viewOf>>) => {
    if (view === null || capabilities.clock === 'moved') return view;
    const { leaseUntil, expiresAt, ...rest } = view;
    return { ...rest, leased: leaseUntil > 0, expires: expiresAt !== undefined };
  };

  const sceneAt = (store: ClaimStore): Scene => {
    const key = freshKey();
    return { store, a: claimant(store, key), b: claimant(store, key) };
  };

  describe('the same move arriving twice answers as the first did, and does no more', () => {
    it.each(twice)('%s', async (_name, before, move) => {
      const scene = sceneAt(await bed().open());
      await before(scene);
      const first = await move(scene);
      const after = still(await viewOf(scene.store, scene.a.key));
      expect(await move(scene)).toEqual(first);
      expect(still(await viewOf(scene.store, scene.a.key))).toEqual(after);
    });
  });

  describe('the same move under way twice at once has one answer', () => {
    it.each(twice)('%s', async (_name, before, move) => {
      const scene = sceneAt(await bed().open());
      await before(scene);
      const [first, second] = await Promise.all([move(scene), move(scene)]);
      expect(second).toEqual(first);
    });
  });

  describe('the same move again after a restart answers as the first did', () => {
    it.each(twice)('%s', async (_name, before, move) => {
      const { store, a, b } = sceneAt(await bed().open());
      await before({ store, a, b });
      const first = await move({ store, a, b });
      const after = still(await viewOf(store, a.key));
      await store.close();
      const again = await bed().open();
      expect(still(await viewOf(again, a.key))).toEqual(after);
      expect(await move({ store: again, a: a.at(again), b: b.at(again) })).toEqual(first);
      expect(still(await viewOf(again, a.key))).toEqual(after);
    });
  });

  applies(capabilities.losesReplies, 'no reply can be lost between caller and data')(
    'a move whose reply is lost on the way has happened, and is sent again',
    async () => {
      const scene = sceneAt(await bed().open());
      bed().loseNextReply?.();
      await expectRefused(scene.a.claim(), 'unavailable');
      expect(await scene.a.claim()).toEqual({ kind: 'claimed' });
      expect((await scene.b.claim()).kind).toBe('held');
      bed().loseNextReply?.();
      await expectRefused(scene.a.record(), 'unavailable');
      expect(await scene.a.record()).toEqual({ kind: 'recorded' });
    },
  );
};
