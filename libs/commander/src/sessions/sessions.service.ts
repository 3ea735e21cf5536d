import { Inject, Injectable, Optional } from '@nestjs/common';
import {
  cancelEvent,
  carryOf,
  DormouseError,
  isTerminal,
  type Json,
  newSessionId,
  newTraceId,
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
import { requestCancel } from '../core/cancel.js';
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
    const { events, tracing } = this.options;
    for (;;) {
      const before = await this.get(sessionId, context);
      if (isTerminal(before.status)) {
        if (context.idempotencyKey !== undefined && (await this.endedByCancel(before, context)))
          return before;
        throw new DormouseError('session_ended', `The session has ended: it is ${before.status}.`);
      }
      // taken up already: it ends as soon as it can
      if (before.applied.includes(cancelId(before))) return before;
      const repeated = cancelOutstanding(before);
      const snapshot = repeated ? before : await this.requestCancel(before, context);
      const event = snapshot === null ? null : cancelEvent(events, snapshot);
      if (snapshot === null || event === null) continue;
      await this.outlet.publish(snapshot, event);
      if (tracing !== undefined)
        traceSent(tracing, begun, { name: SPANS.cancel, event, snapshot, repeated }, context.caller);
      return snapshot;
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
        if (type === 'observation' && told.type === 'cancel')
          return told.reason === reason && told.compensate === compensate;
      }
    }
    return false;
  }

  /** Sets the flag that a thinking Commander and a dispatcher look at; null: another commit came first. */
  private requestCancel(
    before: Snapshot,
    { compensate = false, reason }: CancelContext,
  ): Promise<Snapshot | null> {
    const order = { compensate, ...(reason === undefined ? {} : { reason }) };
    return setDown(this.store, before, this.outlet.ack, (at) => requestCancel(before, order, at));
  }
}
