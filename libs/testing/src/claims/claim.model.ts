import { type Outcome, RECORD_VERSION } from '#contracts';
import type {
  ClaimReply,
  ClaimStore,
  ClaimView,
  RecordReply,
  RenewReply,
  SealReply,
  StartReply,
} from '#idempotency';

/*
 * What the port promises of one claim, as pure functions: (claim, move, now) → (reply, claim). A reference to compare
 * drivers with, written from the port's text alone.
 */

/** A claim, and what only the model needs to know to answer repeats. */
export interface ModelClaim {
  view: ClaimView;
  /** what the latest successful claim answered, for its repeat */
  grant: ClaimReply;
  /** the latest deferral with a hand-over, for its repeat */
  handedOver?: { token: string; text: string };
}
export type Answer<R> = [reply: R, next: ModelClaim | null];

const live = (view: ClaimView, now: number) => view.token !== '' && view.leaseUntil > now;
const holds = (claim: ModelClaim | null, token: string): claim is ModelClaim =>
  claim !== null && claim.view.outcome === undefined && claim.view.token === token;
const withView = (claim: ModelClaim, change: Partial<ClaimView>): ModelClaim => ({
  ...claim,
  view: { ...claim.view, ...change },
});
/** an owner that nobody saw end: counted once the claim has the intent's record */
const died = (view: ClaimView): ClaimView =>
  view.record === undefined ? view : { ...view, deaths: (view.deaths ?? 0) + 1 };
/** sealed by the Commander: an outcome, and nobody who recorded it */
const sealed = (view: ClaimView) => view.outcome !== undefined && view.token === '';

export const claim = (
  before: ModelClaim | null,
  request: { digest: string; token: string; leaseMs: number },
  now: number,
): Answer<ClaimReply> => {
  const { digest, token, leaseMs } = request;
  if (before === null) {
    const view: ClaimView = {
      v: RECORD_VERSION,
      digest,
      token,
      leaseUntil: now + leaseMs,
      started: false,
      attempts: 0,
      notBefore: 0,
      cancelRequested: false,
    };
    return [{ kind: 'claimed' }, { view, grant: { kind: 'claimed' } }];
  }
  const { view } = before;
  if (view.digest !== digest) return [{ kind: 'conflict', digest: view.digest }, before];
  if (view.outcome !== undefined) return [{ kind: 'recorded', outcome: view.outcome }, before];
  if (view.token === token) return [before.grant, before];
  if (live(view, now)) return [{ kind: 'held', leaseUntil: view.leaseUntil }, before];
  const { started, attempts, notBefore, cancelRequested } = view;
  const left = view.token !== '' && view.leaseUntil > 0 ? died(view) : view;
  const counted = left.deaths === undefined ? {} : { deaths: left.deaths };
  const grant: ClaimReply = {
    kind: 'taken_over',
    started,
    attempts,
    notBefore,
    cancelRequested,
    ...counted,
  };
  return [grant, { view: { ...left, token, leaseUntil: now + leaseMs }, grant }];
};

export const start = (before: ModelClaim | null, token: string, now: number): Answer<StartReply> => {
  if (before !== null && sealed(before.view)) return ['cancelled', before];
  if (!holds(before, token)) return ['lost', before];
  if (before.view.cancelRequested) return ['cancelled', before];
  if (before.view.leaseUntil <= now) return ['lost', before];
  return ['started', withView(before, { started: true })];
};

export const renew = (
  before: ModelClaim | null,
  token: string,
  leaseMs: number,
  now: number,
): Answer<RenewReply> => {
  if (before !== null && sealed(before.view)) return ['cancelled', before];
  if (before?.view.outcome !== undefined && before.view.token === token) return ['held', before];
  if (!holds(before, token)) return ['lost', before];
  const next = withView(before, { leaseUntil: now + leaseMs });
  return [before.view.cancelRequested ? 'cancelled' : 'held', next];
};

export type Deferral = Parameters<ClaimStore['defer']>[2];

export const defer = (
  before: ModelClaim | null,
  token: string,
  deferral: Deferral,
): Answer<'deferred' | 'lost' | 'cancelled'> => {
  if (before !== null && sealed(before.view)) return ['cancelled', before];
  if (!holds(before, token)) return ['lost', before];
  if (before.view.cancelRequested) return ['cancelled', before];
  const { attempts, notBefore, handOver, record } = deferral;
  const { deaths: _, ...rest } = before.view;
  const next = withView(
    { ...before, view: rest },
    {
      started: false,
      attempts,
      notBefore,
      ...(record === undefined ? {} : { record }),
      ...(handOver ? { leaseUntil: 0 } : {}),
    },
  );
  return ['deferred', handOver ? { ...next, handedOver: { token, text: JSON.stringify(deferral) } } : next];
};

export const keep = (before: ModelClaim | null, token: string, record: string): Answer<'kept' | 'lost'> =>
  holds(before, token) ? ['kept', withView(before, { record })] : ['lost', before];

export const record = (
  before: ModelClaim | null,
  token: string,
  outcome: Outcome,
  retentionMs: number,
  now: number,
): Answer<RecordReply> => {
  if (before === null) return [{ kind: 'none' }, null];
  if (before.view.outcome !== undefined)
    return [{ kind: 'superseded', outcome: before.view.outcome }, before];
  if (!holds(before, token)) return [{ kind: 'lost' }, before];
  return [{ kind: 'recorded' }, withView(before, { outcome, expiresAt: now + retentionMs })];
};

export const seal = (
  before: ModelClaim | null,
  digest: string,
  outcome: Outcome,
  retentionMs: number,
  now: number,
): Answer<SealReply> => {
  const end = { outcome, expiresAt: now + retentionMs, token: '', leaseUntil: 0 };
  if (before === null) {
    const [, fresh] = claim(null, { digest, token: '', leaseMs: 0 }, now);
    return [{ kind: 'sealed' }, withView(fresh!, end)];
  }
  const { view } = before;
  if (sealed(view)) return [{ kind: 'sealed' }, before];
  if (view.outcome !== undefined) return [{ kind: 'recorded', outcome: view.outcome }, before];
  if (view.started) {
    return [{ kind: 'started', leaseUntil: view.leaseUntil }, withView(before, { cancelRequested: true })];
  }
  return [{ kind: 'sealed' }, withView(before, end)];
};

export const handBack = (before: ModelClaim | null, token: string, isDead: boolean): ModelClaim | null =>
  holds(before, token)
    ? withView(before, { ...(isDead ? died(before.view) : {}), token: '', leaseUntil: 0 })
    : before;

export const drop = (before: ModelClaim | null, token: string): ModelClaim | null =>
  holds(before, token) ? null : before;

export const expired = (before: ModelClaim | null, now: number): boolean =>
  before?.view.expiresAt !== undefined && before.view.expiresAt <= now;
