import {
  carryOf,
  type CloudEvent,
  type ErrorData,
  isTerminal,
  readTraceparent,
  RECORD_VERSION,
  type SessionCreatedData,
  type SessionFixed,
  type Snapshot,
  type StepCommit,
} from '#contracts';
import { cancelId, newSession, type NewSession, nextWake, requestCancel, transition } from '#commander';
import { type KnownIntent, knownIntents } from './known-intents.js';
import { type FoldedStep, foldStep } from './recorded-step.js';
import { isLost, type SessionLog } from './session-log.js';

export type Folded =
  | {
      kind: 'session';
      creation: NewSession;
      /** in order; each one's version is one above the one's before */
      steps: FoldedStep[];
      snapshot: Snapshot;
      /** not to be run (again): compensatable and irreversible ones without an observation, all with one that isn't applied */
      known: KnownIntent[];
      /** why the session can't be what it was: it stands parked, has failed, or shows less than it did */
      damage?: ErrorData;
    }
  /** its beginning is older than what the log still has */
  | { kind: 'headless' }
  /** it ended longer ago than sessions are kept */
  | { kind: 'expired' };

/**
 * What the log says of one session: its creation and every step that was published whole, taken again through the
 * session machine with what is recorded of them. Pure.
 *
 * @param now ms by the store's clock
 */
export const foldSession = (log: SessionLog, now: number, retentionMs: number): Folded => {
  const { created } = log;
  if (created === undefined) return { kind: 'headless' };
  const fold = new Fold(log, created, now);
  const { snapshot } = fold;
  if (isTerminal(snapshot.status) && snapshot.updated_at < now - retentionMs) return { kind: 'expired' };
  return {
    kind: 'session',
    creation: fold.creation,
    steps: fold.steps,
    snapshot,
    known: isTerminal(snapshot.status) ? [] : knownIntents(log, fold.applied),
    ...(fold.damage === undefined ? {} : { damage: fold.damage }),
  };
};

class Fold {
  readonly creation: NewSession;
  readonly steps: FoldedStep[] = [];
  snapshot: Snapshot;
  damage: ErrorData | undefined;
  /** ids of the observations that the steps taken have applied */
  readonly applied = new Set<string>();
  /** ids of the records of topic A that the steps taken have published */
  private readonly told = new Set<string>();

  constructor(
    private readonly log: SessionLog,
    created: CloudEvent,
    private readonly now: number,
  ) {
    this.creation = newSession(log.sessionId, fixedOf(created));
    this.snapshot = this.creation.snapshot;
    if (isLost(created)) this.fail(created);
    else {
      this.takeSteps();
      if (this.damage !== undefined && !isTerminal(this.snapshot.status)) this.park(this.damage);
    }
  }

  private takeSteps(): void {
    const versions = [...this.log.commits.keys()].sort((a, b) => a - b);
    for (const version of versions) {
      if (!this.reach(version - 1)) return;
      if (!this.takeStep(version)) return;
    }
    this.takeSent();
    this.requestCancel();
    this.takeSent();
    this.missLostCommit();
  }

  /** A record that belongs to no step taken so far: what it decided is lost. */
  private missLostCommit(): boolean {
    const [lost] = [...this.log.lost.values()].filter(({ id }) => !this.told.has(id));
    if (lost === undefined) return false;
    this.damage ??= payloadLost(lost, 'what a step decided');
    return true;
  }

  /** Makes up for versions that no step wrote: a cancel's flag, and what a person sent, are writes of their own. */
  private reach(version: number): boolean {
    this.takeSent(version);
    if (this.snapshot.version < version) {
      this.requestCancel();
      this.takeSent(version);
    }
    if (this.snapshot.version < version && this.missLostCommit()) return false;
    while (this.snapshot.version < version) {
      this.push({ ...this.snapshot, version: this.snapshot.version + 1 });
      this.takeSent(version);
    }
    return this.snapshot.version === version;
  }

  /** What was set down in the versions that come next, up to this one. */
  private takeSent(upTo = Infinity): void {
    for (;;) {
      const { version, inbox = [], updated_at } = this.snapshot;
      const sent = version < upTo ? this.log.sent.get(version + 1) : undefined;
      if (sent === undefined) return;
      const at = Math.max(sent.at, updated_at);
      this.push({ ...this.snapshot, version: version + 1, inbox: [...inbox, sent], updated_at: at });
    }
  }

  private takeStep(version: number): boolean {
    const { log } = this;
    const commit = log.commits.get(version);
    const observed = commit === undefined ? undefined : log.observations.get(commit.applied);
    if (commit === undefined || observed === undefined) {
      const lost = log.lostSent.get(commit?.applied ?? '');
      this.damage ??=
        lost === undefined
          ? unreadable(version, `its observation ${commit?.applied ?? ''} isn't in the log`)
          : payloadLost(lost, 'what a person sent');
      return false;
    }
    const made = foldStep(this.snapshot, observed.observation, commit, log);
    // its observation wasn't finished: it is taken anew
    if (made.kind === 'unpublished') return false;
    if (made.kind === 'disagrees') {
      this.damage ??= unreadable(version, made.why);
      return false;
    }
    if (isLost(observed.event)) this.damage ??= payloadLost(observed.event, 'an outcome');
    for (const id of made.step.snapshot.outbox.intent_ids) {
      this.told.add(id);
      const intent = log.intents.get(id);
      if (intent !== undefined && isLost(intent))
        this.damage ??= payloadLost(intent, 'the parameters of a call');
    }
    this.applied.add(commit.applied);
    this.steps.push(made.step);
    this.snapshot = made.step.snapshot;
    return true;
  }

  /** The flag of a cancel that is in the log: it was set before. */
  private requestCancel(): void {
    const { snapshot } = this;
    const cancel = this.cancelInLog();
    if (cancel === undefined || isTerminal(snapshot.status)) return;
    if (snapshot.applied.includes(cancelId(snapshot)) || snapshot.cancel_requested !== undefined) return;
    this.push(requestCancel(snapshot, cancel, Math.max(cancel.at, snapshot.updated_at)));
  }

  /** Told by its own record, or by the step that took it up before that was published. */
  private cancelInLog(): StepCommit['cancel'] {
    const { observation, event } = this.log.observations.get(cancelId(this.snapshot)) ?? {};
    if (observation?.type !== 'cancel') return this.log.cancel;
    const { type: _, id: _id, ...order } = observation;
    return { ...order, at: Date.parse(event?.time ?? '') };
  }

  private push(snapshot: Snapshot): void {
    const wakeAt = nextWake(snapshot, snapshot.updated_at);
    this.steps.push({ snapshot, history: [], timeline: [], wakeAt });
    this.snapshot = snapshot;
  }

  /** The body is lost: nobody can go on with it, and whoever follows it is told. */
  private fail(created: CloudEvent): void {
    const error = payloadLost(created, 'its whole body');
    this.damage = error;
    const first = { type: 'session_created' as const, id: created.id };
    const begun = transition(
      this.snapshot,
      { kind: 'observation', observation: first, thinksAfter: 'each' },
      this.now,
    );
    const failed = transition(begun.snapshot, { kind: 'think_failed', error }, this.now);
    const ended = transition(failed.snapshot, { kind: 'conclusion', conclusion: { calls: [] } }, this.now);
    const parts = [begun.effects, failed.effects, ended.effects];
    this.steps.push({
      snapshot: ended.snapshot,
      history: [],
      timeline: parts.flatMap(({ timeline }) => timeline),
      wakeAt: null,
    });
    this.snapshot = ended.snapshot;
  }

  /** Stands still for a person, since what is missing may not be guessed. */
  private park(error: ErrorData): void {
    const before = this.snapshot;
    const seq = before.timeline_seq + 1;
    const whole: ErrorData = {
      ...error,
      details: {
        ...(error.details as object),
        pending: [...before.pending, ...(before.held ?? [])].map((p) => p.intent_id),
      },
    };
    const snapshot: Snapshot = {
      ...before,
      version: before.version + 1,
      status: 'parked',
      error: whole,
      ending: undefined,
      dead: undefined,
      pending: [],
      held: undefined,
      outbox: { commit: null, intent_ids: [], out: true },
      timeline_seq: seq,
      updated_at: this.now,
    };
    const payload = { status: 'parked', error: { ...whole } };
    const entry = { v: RECORD_VERSION, seq, at: this.now, type: 'status' as const, payload };
    const wakeAt = nextWake(snapshot, this.now);
    this.steps.push({ snapshot, history: [], timeline: [entry], wakeAt });
    this.snapshot = snapshot;
  }
}

const payloadLost = (event: CloudEvent, what: string): ErrorData => ({
  code: 'payload_lost',
  message: `The store has lost ${what}: the payload of ${event.id} was too large for the log (DORMOUSE_INLINE_LIMIT) and lay there.`,
  retryable: false,
  details: { event: event.id, dataref: event.dataref ?? '' },
});

const unreadable = (version: number, why: string): ErrorData => ({
  code: 'rebuild_failed',
  message: `Version ${version} of the session can't be rebuilt from the log: ${why}.`,
  retryable: false,
  details: { version },
});

const fixedOf = (event: CloudEvent): SessionFixed => {
  const tenant = typeof event.tenant === 'string' ? event.tenant : 'default';
  const data = event.data as SessionCreatedData | undefined;
  const parent = readTraceparent(event.traceparent);
  const trace = carryOf(parent?.sampled !== false, event.tracestate);
  const carried = trace === undefined ? {} : { trace };
  if (data === undefined)
    return {
      tenant,
      submission: { input: 'This text is lost with the store.' },
      // nobody asks it: the session has ended
      brain: 'plan',
      trace_id: parent?.traceId ?? '',
      ...carried,
      created_at: Date.parse(event.time ?? ''),
    };
  const { submission, brain, trace_id = '', created_at, body_digest, warnings } = data;
  return {
    tenant,
    submission,
    brain,
    ...(body_digest === undefined ? {} : { body_digest }),
    trace_id,
    ...carried,
    created_at: Date.parse(created_at),
    ...(submission.deadline === undefined ? {} : { deadline_at: Date.parse(submission.deadline) }),
    ...(warnings === undefined ? {} : { warnings }),
  };
};
