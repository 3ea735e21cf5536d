import { describe, expect, it } from '@jest/globals';
import { type Claimant, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** Moves of a token that holds the claim no more. */
export const claimFencing = ({ bed, claimant, leasesOver }: ClaimSuite): void => {
  /** each move by the stale token, and what it may answer */
  const stale: [string, (a: Claimant) => Promise<unknown>, unknown][] = [
    ['start', (a) => a.start(), 'lost'],
    ['renew', (a) => a.renew(), 'lost'],
    ['defer', (a) => a.defer({ attempts: 9, notBefore: 9 }), 'lost'],
    ['defer with a hand-over', (a) => a.defer({ attempts: 9, handOver: true, record: 'stale' }), 'lost'],
    ['keep', (a) => a.keep('stale'), 'lost'],
    ['record', (a) => a.record(succeeded('stale')), { kind: 'lost' }],
    ['handBack', (a) => a.handBack(), undefined],
    ['drop', (a) => a.drop(), undefined],
  ];

  describe.each(stale)('%s with a stale token', (_name, move, answer) => {
    it.each(['held', 'started', 'handed back'] as const)(
      'changes nothing after a takeover (%s)',
      async (state) => {
        const store = await bed().open();
        const key = freshKey();
        const [a, b] = [claimant(store, key), claimant(store, key)];
        await a.claim();
        await leasesOver();
        await b.claim();
        if (state === 'started') await b.start();
        if (state === 'handed back') await b.handBack();
        const before = await viewOf(store, key);
        expect(await move(a)).toEqual(answer);
        expect(await viewOf(store, key)).toEqual(before);
      },
    );

    it('changes nothing with a token that never held it', async () => {
      const store = await bed().open();
      const key = freshKey();
      const b = claimant(store, key);
      await b.claim();
      await b.start();
      const before = await viewOf(store, key);
      expect(await move(claimant(store, key))).toEqual(answer);
      expect(await viewOf(store, key)).toEqual(before);
    });

    it('changes nothing after the end', async () => {
      const store = await bed().open();
      const key = freshKey();
      const [a, b] = [claimant(store, key), claimant(store, key)];
      await a.claim();
      await leasesOver();
      await b.claim();
      await b.record(succeeded('of the new owner'));
      const before = await viewOf(store, key);
      const reply = await move(a);
      if (_name === 'record') {
        expect(reply).toEqual({ kind: 'superseded', outcome: succeeded('of the new owner') });
      } else expect(reply).toEqual(answer);
      expect(await viewOf(store, key)).toEqual(before);
    });

    it('makes no claim where there is none any more', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await store.forget([a.key]);
      await move(a);
      expect(await viewOf(store, a.key)).toBeNull();
    });
  });

  it('a late repeat of the first claim steals nothing back', async () => {
    const store = await bed().open();
    const key = freshKey();
    const [a, b] = [claimant(store, key), claimant(store, key)];
    await a.claim();
    await leasesOver();
    await b.claim();
    expect((await a.claim()).kind).toBe('held');
    expect((await viewOf(store, key))!.token).toBe(b.token);
  });

  it('a late repeat of the claim takes the start of its own token not back', async () => {
    const store = await bed().open();
    const a = claimant(store, freshKey());
    await a.claim();
    await a.start();
    await a.claim();
    expect(await viewOf(store, a.key)).toMatchObject({ token: a.token, started: true });
  });

  it('a late repeat of a hand-back, drop or hand-over leaves the next owner alone', async () => {
    const store = await bed().open();
    const key = freshKey();
    const [a, b] = [claimant(store, key), claimant(store, key)];
    await a.claim();
    await a.handBack();
    await b.claim();
    const before = await viewOf(store, key);
    await a.handBack();
    await a.drop();
    expect(await a.defer({ handOver: true })).toBe('lost');
    expect(await viewOf(store, key)).toEqual(before);
  });
};
