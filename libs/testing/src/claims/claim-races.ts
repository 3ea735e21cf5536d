import { describe, expect, it } from '@jest/globals';
import type { ClaimReply, ClaimStore, RecordReply } from '#idempotency';
import { openSeveral } from '../contract/test-bed.js';
import { cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

const CLAIMANTS = 50;

/** Moves under way at once; where the data is shared, from several instances. */
export const claimRaces = ({ bed, claimant, timing, leasesOver, capabilities }: ClaimSuite): void => {
  const stores = () => openSeveral(bed(), capabilities, 3);
  const pick = (all: readonly [ClaimStore, ...ClaimStore[]], i: number) => all[i % all.length] ?? all[0];

  describe('at once', () => {
    it.each(['fresh', 'dead', 'handed back'] as const)(
      'one of many claimants gets it (%s)',
      async (state) => {
        const all = await stores();
        const key = freshKey();
        if (state !== 'fresh') {
          const first = claimant(all[0], key);
          await first.claim();
          if (state === 'dead') await leasesOver();
          else await first.handBack();
        }
        const claimants = Array.from({ length: CLAIMANTS }, (_, i) => claimant(pick(all, i), key));
        const replies = await Promise.all(claimants.map((one) => one.claim()));
        const wins = (reply: ClaimReply) => reply.kind === (state === 'fresh' ? 'claimed' : 'taken_over');
        expect(replies.filter(wins)).toHaveLength(1);
        expect(replies.filter((reply) => reply.kind === 'held')).toHaveLength(CLAIMANTS - 1);
        const winner = claimants[replies.findIndex(wins)]!;
        expect((await viewOf(all[0], key))!.token).toBe(winner.token);
        const held = await Promise.all(claimants.map((one) => one.renew()));
        expect(held.filter((reply) => reply === 'held')).toHaveLength(1);
      },
    );

    it.each(['start first', 'seal first'] as const)(
      'sealed while starting (%s): one of the two wins',
      async (order) => {
        const all = await stores();
        for (let round = 0; round < 20; round++) {
          const key = freshKey();
          const a = claimant(pick(all, 1), key);
          await a.claim();
          const seal = () => pick(all, 2).seal(key, a.digest, cancelled(), timing.retentionMs);
          const both =
            order === 'start first'
              ? await Promise.all([a.start(), seal()])
              : await Promise.all([seal(), a.start()]).then(
                  ([sealing, starting]) => [starting, sealing] as const,
                );
          const [starting, sealing] = both;
          expect([starting, sealing.kind]).toEqual(
            starting === 'started' ? ['started', 'started'] : ['cancelled', 'sealed'],
          );
          const view = (await viewOf(all[0], key))!;
          expect(view.started).toBe(starting === 'started');
          expect(view.outcome).toEqual(starting === 'started' ? undefined : cancelled());
        }
      },
    );

    it.each(['claim first', 'seal first'] as const)(
      'sealed while claiming (%s): nobody runs it',
      async (order) => {
        const all = await stores();
        for (let round = 0; round < 20; round++) {
          const key = freshKey();
          const a = claimant(pick(all, 1), key);
          const seal = () => pick(all, 2).seal(key, a.digest, cancelled(), timing.retentionMs);
          const sealing = order === 'seal first' ? seal() : undefined;
          const claiming = a.claim();
          expect((await (sealing ?? seal())).kind).toBe('sealed');
          const claimed = await claiming;
          expect(['claimed', 'recorded']).toContain(claimed.kind);
          expect(await a.start()).not.toBe('started');
          expect(await a.record()).toEqual({ kind: 'superseded', outcome: cancelled() });
        }
      },
    );

    it('one of many outcomes is recorded, and all hear of that one', async () => {
      const all = await stores();
      const key = freshKey();
      const a = claimant(all[0], key);
      await a.claim();
      await leasesOver();
      const b = claimant(all[0], key);
      await b.claim();
      const replies: RecordReply[] = await Promise.all([
        a.record(succeeded('a')),
        b.record(succeeded('b')),
        a.record(succeeded('a')),
        claimant(pick(all, 1), key).record(succeeded('c')),
      ]);
      expect(replies[1]).toEqual({ kind: 'recorded' });
      for (const [i, reply] of replies.entries()) {
        if (i === 1) continue;
        expect([{ kind: 'lost' }, { kind: 'superseded', outcome: succeeded('b') }]).toContainEqual(reply);
      }
      expect((await viewOf(all[0], key))!.outcome).toEqual(succeeded('b'));
    });

    it('many claims of many sessions have each one owner', async () => {
      const all = await stores();
      const keys = Array.from({ length: 200 }, () => freshKey());
      const claims = keys.flatMap((key) => [claimant(pick(all, 0), key), claimant(pick(all, 1), key)]);
      const replies = await Promise.all(claims.map((one) => one.claim()));
      expect(replies.filter((reply) => reply.kind === 'claimed')).toHaveLength(keys.length);
      const owners = new Set((await all[0].read(keys)).map((view) => view!.token));
      expect(owners.size).toBe(keys.length);
    });
  });
};
