import {
  type CloudEvent,
  type Outcome,
  type PendingIntent,
  type Snapshot,
  cancelEvent,
  deadEventIds,
  endOf,
  type EventContext,
  intentEvent,
  isTerminal,
  type JsonObject,
  repeatable,
  resultId,
  sentEvent,
  sessionCreatedEvent,
  stepSpanId,
  timerEvent,
  toolResultEvent,
} from '#contracts';

/** What the sweeper needs to know of a claim. Times: ms, store's clock. */
export interface ClaimFacts {
  digest: string;
  leaseUntil: number;
  notBefore: number;
  /** it may have been done */
  started: boolean;
  outcome?: Outcome;
}

/** What is to be published for a session whose wake-up is due, and when to look at it next. */
export interface DueWork {
  intents: CloudEvent[];
  observations: CloudEvent[];
  /** how many of them may have got lost; the others were due by now: timers, and what was put off */
  repaired: number;
  nextAt: number;
}

export interface DueFacts {
  snapshot: Snapshot;
  /** of each pending intent, in their order; null: nobody has claimed it */
  claims: readonly (ClaimFacts | null)[];
  now: number;
  leaseMs: number;
  /** Of a tool that only waits: ms from the emission until its intent is to be repeated; nobody holds it meanwhile. */
  timerMs(tool: string, parameters: JsonObject): number | undefined;
  /** So much stands in the log that what nobody has looked at is there, rather than lost. Default: it doesn't. */
  backlog?: boolean;
}

/** A look at a session sets the next one to this from now at the latest. */
export const LONGEST_LOOK_MS = 3_600_000;
const LOOK_AGAIN_AFTER_MS = 30_000;
const LOOK_AGAIN_AT_MOST_MS = 600_000;

/** The longer nothing has come of an intent, the rarer it is repeated. */
const lookAgain = (since: number, { now, leaseMs }: DueFacts): number =>
  now +
  Math.max(
    leaseMs,
    Math.min(Math.max(LOOK_AGAIN_AFTER_MS, Math.round((now - since) / 2)), LOOK_AGAIN_AT_MOST_MS),
  );

/** Whether what was published then may still stand in the log. After ten minutes nobody relies on that any more. */
const mayStandInLog = (since: number, { backlog, now }: DueFacts): boolean =>
  backlog === true && now - since < LOOK_AGAIN_AT_MOST_MS;

type Look =
  | { kind: 'wait'; until: number }
  /** `lost`: something may have gone wrong; else its time has come */
  | { kind: 'repeat'; lost: boolean }
  | { kind: 'answer'; outcome: Outcome }
  | { kind: 'timer'; id: string };

/** Until when nothing is to be done about a claim that has no outcome. */
const heldUntil = (intent: PendingIntent, { leaseUntil, notBefore, started }: ClaimFacts): number =>
  // what may have been done isn't run again: it is looked into after its deadline
  Math.max(leaseUntil, notBefore, started && !repeatable(intent.effect) ? intent.deadline_at : 0);

/**
 * The earliest time after `now` at which a claim without an outcome asks to be looked at; undefined when none does. To be
 * asked after the wake-up was moved on: a dispatcher may have put an intent off between the publishing and the moving,
 * and its `lowerWake` found an entry that was earlier still.
 *
 * @param now when the look began: a claim that was dead by then was seen to, and asks for nothing more
 */
export const putOffUntil = (
  pending: readonly PendingIntent[],
  claims: readonly (ClaimFacts | null)[],
  now: number,
): number | undefined => {
  const times = pending.flatMap((intent, index) => {
    const claim = claims[index] ?? null;
    const until = claim === null || claim.outcome !== undefined ? now : heldUntil(intent, claim);
    return until > now ? [until] : [];
  });
  return times.length === 0 ? undefined : Math.min(...times);
};

/** What became of a pending intent (rule 9: the claim is asked before the intent is repeated). */
const lookAt = (intent: PendingIntent, claim: ClaimFacts | null, facts: DueFacts): Look => {
  const { now, leaseMs } = facts;
  if (intent.external === true) {
    if (intent.deadline_at > now) return { kind: 'wait', until: intent.deadline_at };
    return { kind: 'timer', id: `intent:${intent.intent_id}` };
  }
  // claimed for other parameters: the dispatcher says what that means
  if (claim !== null && claim.digest !== intent.digest) return { kind: 'repeat', lost: true };
  if (claim?.outcome !== undefined) return { kind: 'answer', outcome: claim.outcome };
  if (claim !== null) {
    const until = heldUntil(intent, claim);
    const putOff = claim.leaseUntil === 0 && claim.notBefore > 0;
    return until > now ? { kind: 'wait', until } : { kind: 'repeat', lost: !putOff };
  }
  if (intent.not_before !== undefined && intent.not_before > now)
    return { kind: 'wait', until: intent.not_before };
  if (intent.not_before !== undefined) return { kind: 'repeat', lost: false };
  const timerMs = facts.timerMs(intent.tool, intent.parameters);
  if (timerMs !== undefined) {
    const due = intent.emitted_at + timerMs;
    return due > now ? { kind: 'wait', until: due } : { kind: 'repeat', lost: false };
  }
  // nobody has claimed it: it waits in the log, it runs without a claim (a pure tool, for a moment), or it got lost
  const due = intent.emitted_at + Math.max(leaseMs, LOOK_AGAIN_AFTER_MS);
  if (due > now) return { kind: 'wait', until: due };
  return mayStandInLog(intent.emitted_at, facts)
    ? { kind: 'wait', until: lookAgain(intent.emitted_at, facts) }
    : { kind: 'repeat', lost: true };
};

const answered = (snapshot: Snapshot, intent: PendingIntent) => ({
  intentId: intent.intent_id,
  sessionId: snapshot.session_id,
  tenant: snapshot.fixed.tenant,
  traceId: snapshot.fixed.trace_id,
  trace: snapshot.fixed.trace,
  parentSpanId: stepSpanId(snapshot.session_id, intent.step),
  tool: intent.tool,
  digest: intent.digest,
});

/**
 * Decides what a session's due wake-up asks for. Everything that it publishes is an event that was published before or
 * should have been, under the same id: too much of it changes nothing.
 */
export const dueWork = (context: EventContext, facts: DueFacts): DueWork => {
  const { snapshot, claims, now } = facts;
  const work: DueWork = { intents: [], observations: [], repaired: 0, nextAt: now + LONGEST_LOOK_MS };
  const at = (time: number) => (work.nextAt = Math.min(work.nextAt, time));
  if (isTerminal(snapshot.status)) return work;

  if (snapshot.status === 'queued') {
    if (!mayStandInLog(snapshot.fixed.created_at, facts)) {
      work.observations.push(sessionCreatedEvent(context, snapshot));
      work.repaired++;
    }
    at(lookAgain(snapshot.fixed.created_at, facts));
  }
  if (
    snapshot.cancel_requested !== undefined &&
    !snapshot.applied.includes(`${snapshot.session_id}.cancel`)
  ) {
    const cancel = cancelEvent(context, snapshot);
    if (cancel !== null) {
      work.observations.push(cancel);
      work.repaired++;
    }
    at(lookAgain(snapshot.cancel_requested.at, facts));
  }
  for (const sent of snapshot.inbox ?? []) {
    work.observations.push(sentEvent(context, snapshot, sent));
    at(lookAgain(sent.at, facts));
  }
  const deadline = snapshot.fixed.deadline_at;
  if (deadline !== undefined && snapshot.ending === undefined && snapshot.status !== 'parked') {
    if (deadline <= now) {
      work.observations.push(timerEvent(context, snapshot, 'deadline', now));
      at(lookAgain(deadline, facts));
    } else at(deadline);
  }
  // what is among the dead letters stays there until a person has it redriven
  const dead = deadEventIds(snapshot);
  work.observations = work.observations.filter(({ id }) => !dead.has(id));
  for (const [index, intent] of snapshot.pending.entries()) {
    if (dead.has(intent.intent_id) || dead.has(resultId(intent.intent_id))) continue;
    const look = lookAt(intent, claims[index] ?? null, facts);
    if (look.kind === 'wait') {
      at(look.until);
      continue;
    }
    if (look.kind === 'answer' || (look.kind === 'repeat' && look.lost)) work.repaired++;
    if (look.kind === 'repeat') work.intents.push(intentEvent(context, snapshot, intent));
    else if (look.kind === 'timer') work.observations.push(timerEvent(context, snapshot, look.id, now));
    else
      work.observations.push(
        toolResultEvent(context, answered(snapshot, intent), look.outcome, endOf(look.outcome)),
      );
    at(lookAgain(intent.emitted_at, facts));
  }
  return work;
};
