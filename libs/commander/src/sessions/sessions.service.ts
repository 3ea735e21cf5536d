import { Inject, Injectable, Optional } from '@nestjs/common';
import {
  cancelEvent,
  carryOf,
  type CloudEvent,
  DormouseError,
  EVENT_NAMES,
  isTerminal,
  type Json,
  newSessionId,
  newTraceId,
  sentEvent,
  sessionCreatedEvent,
  type SessionFixed,
  type SessionView,
  type Snapshot,
  type Submission,
  ToolCatalogue,
  type TraceCarry,
} from '#contracts';
import { bodyDigest } from '#idempotency';
import { type ListPage, type ListQuery, SessionStore, storeEmptied, StoreWatch } from '#state';
import { SPANS } from '#telemetry';
import { EventClient } from '#transport';
import { Brains } from '../brains/brains.js';
import { COMMANDER_OPTIONS, type CommanderOptions } from '../commander.options.js';
import { type CancelOrder, cancelsAnew, laterCancelId, requestCancel } from '../core/cancel.js';
import { newSession } from '../core/create.js';
import { cancelId, cancelOutstanding } from '../core/next-wake.js';
import { ThinkingSessions } from '../thinking-sessions.js';
import { admit, sessionIdOfKey } from './admission.js';
import { Outlet } from './outlet.js';
import { type Caller, traceSent, traceSubmit } from './request-span.js';
import { sessionView } from './session-view.js';
import { setDown } from './set-down.js';

export interface SubmitContext {
  tenant: string;
  idempotencyKey?: string;
  /** whose trace the session is part of; default: a new one */
  caller?: Caller;
}

export interface CancelContext {
  tenant: string;
  reason?: string;
  /** undo what was done; default false */
  compensate?: boolean;
  /** a repeat with one is answered as the first was, also when the session has ended by it */
  idempotencyKey?: string;
  /** its trace is linked with the session's */
  caller?: Caller;
}

/** Entries read at once; a result may be megabytes. */
const TIMELINE_PAGE = 16;

/** Sessions as the API sees them: submit, look at, cancel. */
@Injectable()
export class Sessions {
  /** how often each thing has happened in this process */
  readonly counts = { created: 0, repeated: 0 };
  private readonly outlet: Outlet;

  constructor(
    private readonly store: SessionStore,
    client: EventClient,
    private readonly tools: ToolCatalogue,
    private readonly brains: Brains,
    private readonly thinking: ThinkingSessions,
    @Inject(COMMANDER_OPTIONS) private readonly options: CommanderOptions,
    @Optional() private readonly watch?: StoreWatch,
  ) {
    this.outlet = new Outlet(store, client, options);
  }

  /**
   * Accepts a session: when this resolves, its snapshot is written and its first observation is in the log. The same
   * key and body again is the same session; its first observation is published again if nobody has applied it.
   *
   * Errors: `invalid_request`, `invalid_plan`, `no_brain`, `idempotency_conflict`, `store_emptied`; `unavailable`: not
   * known to be accepted, with `details.session_id` when the snapshot exists
   */
  async submit(
    submission: Submission,
    context: SubmitContext,
  ): Promise<{ snapshot: Snapshot; repeated: boolean }> {
    const begun = performance.now();
    this.watch?.check();
    const { warnings, deadlineAt } = admit(submission, this.tools);
    const brain = this.brains.choose(submission);
    const { tenant, idempotencyKey, caller } = context;
    const traceId = caller?.traceId ?? newTraceId();
    const trace = this.carryOf(traceId, caller);
    const now = await this.store.now();
    const fixed: SessionFixed = {
      tenant,
      submission,
      brain: brain.name,
      ...(idempotencyKey === undefined ? {} : { body_digest: bodyDigest(submission as Json) }),
      trace_id: traceId,
      ...(trace === undefined ? {} : { trace }),
      created_at: now,
      ...(deadlineAt === undefined ? {} : { deadline_at: deadlineAt }),
      ...(warnings.length === 0 ? {} : { warnings }),
    };
    const id = idempotencyKey === undefined ? newSessionId(now) : sessionIdOfKey(tenant, idempotencyKey);
    const creation = newSession(id, fixed);
    const reply = await this.store.create({ ...creation, ack: this.outlet.ack });
    const repeated = reply.kind === 'exists';
    const snapshot = repeated ? reply.snapshot : creation.snapshot;
    if (repeated && snapshot.fixed.body_digest !== fixed.body_digest)
      throw new DormouseError(
        'idempotency_conflict',
        'This Idempotency-Key was used with another body. Use a new key for another session.',
        { details: { session_id: id } },
      );
    this.counts[repeated ? 'repeated' : 'created']++;
    const { tracing } = this.options;
    let failure: unknown;
    try {
      // applied: then it was in the log
      if (snapshot.status === 'queued') {
        // the log may have all of its life already: begun anew it would do again what it has done
        if (idempotencyKey !== undefined && (await this.store.isEmptied())) throw storeEmptied();
        await this.outlet.publish(snapshot, sessionCreatedEvent(this.options.events, snapshot));
      }
      return { snapshot, repeated };
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      if (tracing !== undefined) traceSubmit(tracing, begun, { snapshot, repeated }, caller, failure);
    }
  }

  /** What the session's trace carries beside its id. Who begins a trace decides whether it is recorded. */
  private carryOf(traceId: string, caller: Caller | undefined): TraceCarry | undefined {
    return carryOf(caller?.sampled ?? this.options.tracing?.samples(traceId) ?? true, caller?.state);
  }

  /**
   * Asks for a session's end: the flag is in its snapshot and the cancel in the log when this resolves. Again on a
   * repeat.
   *
   * Errors: `not_found`, `session_ended`, `unavailable`
   */
  async cancel(sessionId: string, context: CancelContext): Promise<Snapshot> {
    const begun = performance.now();
    const { tracing } = this.options;
    for (;;) {
      const before = await this.get(sessionId, context);
      if (isTerminal(before.status)) {
        if (context.idempotencyKey !== undefined && (await this.endedByCancel(before, context)))
          return before;
        throw new DormouseError('session_ended', `The session has ended: it is ${before.status}.`);
      }
      const sent = await this.setCancel(before, orderOf(context));
      if (sent === 'conflict') continue;
      if (sent === 'taken') return before;
      await this.outlet.publish(sent.snapshot, sent.event);
      if (tracing !== undefined) traceSent(tracing, begun, { name: SPANS.cancel, ...sent }, context.caller);
      return sent.snapshot;
    }
  }

  /** Errors: `not_found`, also for a session of another tenant */
  async get(sessionId: string, { tenant }: { tenant: string }): Promise<Snapshot> {
    const snapshot = await this.store.load(sessionId);
    if (snapshot === null && (await this.store.isEmptied())) throw storeEmptied();
    if (snapshot === null || snapshot.fixed.tenant !== tenant)
      throw new DormouseError('not_found', `There is no session ${JSON.stringify(sessionId)}.`);
    return snapshot;
  }

  /** Sessions, newest first. Errors: `invalid_cursor`, `store_emptied`, `unavailable` */
  list(query: ListQuery): Promise<ListPage> {
    this.watch?.check();
    return this.store.list(query);
  }

  view(snapshot: Snapshot): SessionView {
    return sessionView(snapshot, this.thinking.has(snapshot.session_id));
  }

  /** Whether a cancel with the same body was applied to it. The timeline tells: the snapshot has forgotten the request. */
  private async endedByCancel(
    ended: Snapshot,
    { reason, compensate = false }: CancelContext,
  ): Promise<boolean> {
    if (!ended.applied.includes(cancelId(ended))) return false;
    for (let after = 0; after < ended.timeline_seq;) {
      const page = await this.store.timeline(ended.session_id, { after, limit: TIMELINE_PAGE });
      const last = page.at(-1);
      if (last === undefined) return false;
      after = last.seq;
      for (const { type, payload } of page) {
        const told = payload as { type?: string; reason?: string; compensate?: boolean };
        const isCancel = type === 'observation' && told.type === 'cancel';
        if (isCancel && told.reason === reason && told.compensate === compensate) return true;
      }
    }
    return false;
  }

  /**
   * Writes down what is to be published. The first cancel sets the flag that a thinking Commander and a dispatcher look
   * at; another one, which changes what the first has begun, goes into the inbox. `taken`: there is nothing to add.
   */
  private async setCancel(before: Snapshot, order: CancelOrder): Promise<SetCancel | 'taken' | 'conflict'> {
    const { events } = this.options;
    const outstanding = cancelOutstanding(before);
    if (!outstanding && !before.applied.includes(cancelId(before))) {
      const snapshot = await this.write(before, (at) => requestCancel(before, order, at));
      const event = snapshot === null ? null : cancelEvent(events, snapshot);
      return snapshot === null || event === null ? 'conflict' : { snapshot, event, repeated: false };
    }
    const version = before.version + 1;
    const id = laterCancelId(before, order, version);
    const earlier = before.inbox?.find((sent) => sent.id === id);
    if (earlier !== undefined)
      return { snapshot: before, event: sentEvent(events, before, earlier), repeated: true };
    if (before.applied.includes(id) || !cancelsAnew(before, order)) {
      const event = outstanding ? cancelEvent(events, before) : null;
      return event === null ? 'taken' : { snapshot: before, event, repeated: true };
    }
    const sent = { id, name: EVENT_NAMES.cancel, version, data: { ...order } };
    const snapshot = await this.write(before, (at) => ({
      inbox: [...(before.inbox ?? []), { ...sent, at }],
    }));
    const written = snapshot?.inbox?.at(-1);
    if (snapshot === null || written === undefined) return 'conflict';
    return { snapshot, event: sentEvent(events, snapshot, written), repeated: false };
  }

  /** Null: another commit came first. */
  private write(before: Snapshot, change: (at: number) => Partial<Snapshot>): Promise<Snapshot | null> {
    return setDown(this.store, before, this.outlet.ack, change);
  }
}

/** A cancel that is in the snapshot, as it is to be published. */
interface SetCancel {
  snapshot: Snapshot;
  event: CloudEvent;
  repeated: boolean;
}

const orderOf = ({ compensate = false, reason, idempotencyKey }: CancelContext): CancelOrder => ({
  compensate,
  ...(reason === undefined ? {} : { reason }),
  ...(idempotencyKey === undefined
    ? {}
    : { request_digest: bodyDigest({ key: idempotencyKey, compensate, reason: reason ?? null }) }),
});
