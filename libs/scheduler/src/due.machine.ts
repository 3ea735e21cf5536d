import {
  type CloudEvent,
  type Outcome,
  type PendingIntent,
  type Snapshot,
  cancelEvent,
  type EventContext,
  intentEvent,
  isTerminal,
  sessionCreatedEvent,
  timerEvent,
  toolResultEvent,
} from '#contracts';

/** What the sweeper needs to know of a claim. Times: ms, store's clock. */
export interface ClaimFacts {
  leaseUntil: number;
  notBefore: number;
  outcome?: Outcome;
}

/** What is to be published for a session whose wake-up is due, and when to look at it next. */
export interface DueWork {
  intents: CloudEvent[];
  observations: CloudEvent[];
  nextAt: number;
}

export interface DueFacts {
  snapshot: Snapshot;
  /** of each pending intent, in their order; null: nobody has claimed it */
  claims: readonly (ClaimFacts | null)[];
  now: number;
  leaseMs: number;
  /** a tool that only waits: its intent is repeated when it is due, nobody holds it meanwhile */
  isTimer(tool: string): boolean;
}

const HOUR_MS = 3_600_000;
const LOOK_AGAIN_AFTER_MS = 30_000;
const LOOK_AGAIN_AT_MOST_MS = 600_000;

/** The longer nothing has come of an intent, the rarer it is repeated. */
const lookAgain = (since: number, { now, leaseMs }: DueFacts): number =>
  now + Math.max(leaseMs, Math.min(Math.max(LOOK_AGAIN_AFTER_MS, (now - since) / 2), LOOK_AGAIN_AT_MOST_MS));

type Look =
  | { kind: 'wait'; until: number }
  | { kind: 'repeat' }
  | { kind: 'answer'; outcome: Outcome }
  | { kind: 'timer'; id: string };

/** What became of a pending intent (rule 9: the claim is asked before the intent is repeated). */
const lookAt = (intent: PendingIntent, claim: ClaimFacts | null, facts: DueFacts): Look => {
  const { now, leaseMs } = facts;
  if (intent.external === true) {
    if (intent.deadline_at > now) return { kind: 'wait', until: intent.deadline_at };
    return { kind: 'timer', id: `intent:${intent.intent_id}` };
  }
  if (claim?.outcome !== undefined) return { kind: 'answer', outcome: claim.outcome };
  if (claim !== null) {
    const until = Math.max(claim.leaseUntil, claim.notBefore);
    return until > now ? { kind: 'wait', until } : { kind: 'repeat' };
  }
  if (intent.not_before !== undefined && intent.not_before > now)
    return { kind: 'wait', until: intent.not_before };
  if (intent.not_before !== undefined || facts.isTimer(intent.tool)) return { kind: 'repeat' };
  // nobody has claimed it: it waits in the log, it runs without a claim (a pure tool, for a moment), or it got lost
  const due = intent.emitted_at + Math.max(leaseMs, LOOK_AGAIN_AFTER_MS);
  return due > now ? { kind: 'wait', until: due } : { kind: 'repeat' };
};

const answered = (snapshot: Snapshot, intent: PendingIntent) => ({
  intentId: intent.intent_id,
  sessionId: snapshot.session_id,
  tenant: snapshot.fixed.tenant,
  traceId: snapshot.fixed.trace_id,
  tool: intent.tool,
  digest: intent.digest,
});

/**
 * Decides what a session's due wake-up asks for. Everything that it publishes is an event that was published before or
 * should have been, under the same id: too much of it changes nothing.
 */
export const dueWork = (context: EventContext, facts: DueFacts): DueWork => {
  const { snapshot, claims, now } = facts;
  const work: DueWork = { intents: [], observations: [], nextAt: now + HOUR_MS };
  const at = (time: number) => (work.nextAt = Math.min(work.nextAt, time));
  if (isTerminal(snapshot.status)) return work;

  if (snapshot.status === 'queued') {
    work.observations.push(sessionCreatedEvent(context, snapshot));
    at(lookAgain(snapshot.fixed.created_at, facts));
  }
  if (
    snapshot.cancel_requested !== undefined &&
    !snapshot.applied.includes(`${snapshot.session_id}.cancel`)
  ) {
    const cancel = cancelEvent(context, snapshot);
    if (cancel !== null) work.observations.push(cancel);
    at(lookAgain(snapshot.cancel_requested.at, facts));
  }
  const deadline = snapshot.fixed.deadline_at;
  if (deadline !== undefined && snapshot.ending === undefined && snapshot.status !== 'parked') {
    if (deadline <= now) {
      work.observations.push(timerEvent(context, snapshot, 'deadline', now));
      at(lookAgain(deadline, facts));
    } else at(deadline);
  }
  for (const [index, intent] of snapshot.pending.entries()) {
    const look = lookAt(intent, claims[index] ?? null, facts);
    if (look.kind === 'wait') {
      at(look.until);
      continue;
    }
    if (look.kind === 'repeat') work.intents.push(intentEvent(context, snapshot, intent));
    else if (look.kind === 'timer') work.observations.push(timerEvent(context, snapshot, look.id, now));
    else work.observations.push(toolResultEvent(context, answered(snapshot, intent), look.outcome, now));
    at(lookAgain(intent.emitted_at, facts));
  }
  return work;
};
