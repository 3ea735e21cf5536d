import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ClaimKey, type ClaimStore, type ClaimView, nextToken } from '#idempotency';
import { propertyRuns } from '../contract/seed.js';
import * as model from './claim.model.js';
import { DIGEST, OTHER_DIGEST, cancelled, freshKey, succeeded } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

const RUNS = 150;
const LONGEST = 40;

/** `who` counts back from the latest token of that claim: 0 is the latest. */
type Move = { key: 0 | 1; twice: boolean } & (
  | { kind: 'claim'; foreign: boolean }
  | { kind: 'start' | 'renew' | 'drop'; who: number }
  | { kind: 'handBack'; who: number; died: boolean }
  | { kind: 'keep' | 'record'; who: number; text: string }
  | { kind: 'defer'; who: number; deferral: model.Deferral }
  | { kind: 'seal' }
  | { kind: 'forget' }
  | { kind: 'expire' }
  | { kind: 'advance'; leases: number }
);

const who = fc.nat({ max: 2 });
const anyMove = (movesClock: boolean): fc.Arbitrary<Move> => {
  const text = fc.constantFrom('x', 'y', 'z');
  const kinds = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('claim' as const),
        foreign: fc.nat({ max: 9 }).map((n) => n === 0),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('start' as const), who }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('renew' as const), who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('handBack' as const), who, died: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('keep' as const), who, text }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('record' as const), who, text }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('defer' as const),
        who,
        deferral: fc.record(
          {
            attempts: fc.nat({ max: 9 }),
            notBefore: fc.nat({ max: 99 }),
            handOver: fc.boolean(),
            record: text,
          },
          { requiredKeys: ['attempts', 'notBefore', 'handOver'] },
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
    ...(movesClock
      ? [
          { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
          {
            weight: 4,
            arbitrary: fc.record({
              kind: fc.constant('advance' as const),
              leases: fc.constantFrom(0.4, 0.7, 1.1, 25),
            }),
          },
        ]
      : []),
  );
  return fc
    .tuple(fc.constantFrom(0 as const, 1 as const), fc.boolean(), kinds)
    .map(([key, twice, rest]) => ({ key, twice, ...rest }));
};

interface Claimed {
  key: ClaimKey;
  tokens: string[];
  state: model.ModelClaim | null;
}

/** One run: the moves at the store and at the model, side by side. */
class Run {
  private readonly claims: readonly [Claimed, Claimed] = [0, 1].map(() => ({
    key: freshKey(),
    tokens: [] as string[],
    state: null,
  })) as [Claimed, Claimed];

  constructor(
    private readonly suite: ClaimSuite,
    private readonly store: ClaimStore,
  ) {}

  /** what the driver and the model may differ in: who a finished or given away claim names, and times that run */
  private comparable(view: ClaimView | null): unknown {
    if (view === null) return null;
    const { token, leaseUntil, expiresAt, ...rest } = view;
    const timed = this.suite.capabilities.clock === 'moved';
    const held = view.outcome === undefined && leaseUntil !== 0;
    return {
      ...rest,
      ...(held ? { token } : {}),
      ...(held && timed ? { leaseUntil } : {}),
      ...(timed ? { expiresAt } : { expires: expiresAt !== undefined }),
    };
  }

  private withoutTimes(reply: unknown): unknown {
    if (this.suite.capabilities.clock === 'moved' || typeof reply !== 'object' || reply === null)
      return reply;
    return { ...reply, leaseUntil: 'runs' };
  }

  async play(moves: readonly Move[]): Promise<void> {
    for (const move of moves) {
      await this.one(move);
      const views = await this.store.read(this.claims.map((claim) => claim.key));
      expect(views.map((view) => this.comparable(view))).toEqual(
        this.claims.map((claim) => this.comparable(claim.state?.view ?? null)),
      );
    }
  }

  private async one(move: Move): Promise<void> {
    const { store, suite } = this;
    const { leaseMs, retentionMs } = suite.timing;
    if (move.kind === 'advance') return suite.bed().advance(Math.ceil(move.leases * leaseMs));
    const claim = this.claims[move.key];
    const { key } = claim;
    const now = await store.now();

    if (move.kind === 'expire') {
      await store.expire(now, 100);
      for (const each of this.claims) if (model.expired(each.state, now)) each.state = null;
      return;
    }
    if (move.kind === 'forget') {
      await store.forget([key]);
      claim.state = null;
      return;
    }
    if (move.kind === 'claim') {
      const request = { digest: move.foreign ? OTHER_DIGEST : DIGEST, token: nextToken(), leaseMs };
      const answer = model.claim(claim.state, request, now);
      if (answer[0].kind === 'claimed' || answer[0].kind === 'taken_over')
        claim.tokens.unshift(request.token);
      return this.compare(move, claim, answer, () => store.claim({ ...key, ...request }));
    }
    if (move.kind === 'seal') {
      const answer = model.seal(claim.state, DIGEST, cancelled(), retentionMs, now);
      return this.compare(move, claim, answer, () => store.seal(key, DIGEST, cancelled(), retentionMs));
    }

    const token = claim.tokens[move.who];
    if (token === undefined || this.mayBeEither(claim, token)) return;
    const before = claim.state;
    switch (move.kind) {
      case 'start':
        return this.compare(move, claim, model.start(before, token, now), () => store.start(key, token));
      case 'renew':
        return this.compare(move, claim, model.renew(before, token, leaseMs, now), () =>
          store.renew(key, token, leaseMs),
        );
      case 'keep':
        return this.compare(move, claim, model.keep(before, token, move.text), () =>
          store.keep(key, token, move.text),
        );
      case 'record': {
        const outcome = succeeded(move.text);
        const answer = model.record(before, token, outcome, retentionMs, now);
        return this.compare(move, claim, answer, () => store.record(key, token, outcome, retentionMs));
      }
      case 'defer':
        return this.compare(move, claim, model.defer(before, token, move.deferral), () =>
          store.defer(key, token, move.deferral),
        );
      case 'handBack':
        return this.compare(move, claim, [undefined, model.handBack(before, token, move.died)], () =>
          store.handBack(key, token, move.died),
        );
      case 'drop':
        return this.compare(move, claim, [undefined, model.drop(before, token)], () =>
          store.drop(key, token),
        );
    }
  }

  /** The port leaves open what a token can still do that has recorded, or has handed over, and wasn't followed yet. */
  private mayBeEither({ state }: Claimed, token: string): boolean {
    if (state === null || state.view.token !== token) return false;
    return state.view.outcome !== undefined || state.handedOver?.token === token;
  }

  private async compare(
    move: Move,
    claim: Claimed,
    [reply, next]: model.Answer<unknown>,
    send: () => Promise<unknown>,
  ) {
    expect({ move: move.kind, reply: this.withoutTimes(await send()) }).toEqual({
      move: move.kind,
      reply: this.withoutTimes(reply),
    });
    if (move.twice) {
      expect({ repeated: move.kind, reply: this.withoutTimes(await send()) }).toEqual({
        repeated: move.kind,
        reply: this.withoutTimes(reply),
      });
    }
    claim.state = next;
  }
}

/** Random moves by several tokens, with time going on, against the reference model. */
export const claimProperty = (suite: ClaimSuite): void => {
  describe('random moves', () => {
    it('answer and leave what the model says', async () => {
      const store = await suite.bed().open();
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyMove(suite.capabilities.clock === 'moved'), { maxLength: LONGEST, size: 'max' }),
          async (moves) => new Run(suite, store).play(moves),
        ),
        propertyRuns('claims, random moves', RUNS * suite.capabilities.randomRuns),
      );
    }, 120_000);
  });
};
