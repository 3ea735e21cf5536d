import { Inject, Injectable } from '@nestjs/common';
import {
  type ApprovalRequest,
  DormouseError,
  isTerminal,
  type MessageRequest,
  type ResolutionRequest,
  sentEvent,
  type Snapshot,
  ToolCatalogue,
} from '#contracts';
import { SessionStore } from '#state';
import { SPANS } from '#telemetry';
import { EventClient } from '#transport';
import { COMMANDER_OPTIONS, type CommanderOptions } from '../commander.options.js';
import { approvalOf } from './approval.js';
import { messageOf } from './message.js';
import type { Outgoing } from './outgoing.js';
import { Outlet } from './outlet.js';
import { requestDigest } from './request-digest.js';
import { type Caller, traceSent } from './request-span.js';
import { resolutionOf } from './resolution.js';
import { Sessions } from './sessions.service.js';
import { setDown } from './set-down.js';

export interface SendContext {
  tenant: string;
  /** a repeat with one is answered as the first was */
  idempotencyKey?: string;
  /** its trace is linked with the session's */
  caller?: Caller;
}

/**
 * What people send to sessions that are under way. It is in the session's snapshot and in the log when a call resolves;
 * a step applies it. What is sent once may be refused by that step, when the session has gone on meanwhile: the timeline
 * tells.
 */
@Injectable()
export class Inbox {
  private readonly outlet: Outlet;

  constructor(
    private readonly store: SessionStore,
    client: EventClient,
    private readonly tools: ToolCatalogue,
    private readonly sessions: Sessions,
    @Inject(COMMANDER_OPTIONS) private readonly options: CommanderOptions,
  ) {
    this.outlet = new Outlet(store, client, options);
  }

  /**
   * A person settles an intent that its session stands still for.
   *
   * Errors: `invalid_request`, `not_found`, `session_ended`, `not_awaited` (nothing there to settle), `already_answered`,
   * `unavailable`
   */
  resolve(
    sessionId: string,
    intentId: string,
    request: ResolutionRequest,
    context: SendContext,
  ): Promise<Snapshot> {
    const digest = requestDigest(request, context.idempotencyKey);
    return this.send(sessionId, context, SPANS.answer, (before) =>
      resolutionOf(before, intentId, request, this.tools, digest),
    );
  }

  /**
   * A person writes to a session: it is read before the next think.
   *
   * Errors: `not_found`, `session_ended`, `messages_rejected`, `too_many_messages`, `idempotency_conflict`, `unavailable`
   */
  message(sessionId: string, request: MessageRequest, context: SendContext): Promise<Snapshot> {
    return this.send(sessionId, context, SPANS.message, (before) =>
      messageOf(before, request, context.idempotencyKey),
    );
  }

  /**
   * A person answers for a call that is held.
   *
   * Errors: `not_found`, `session_ended`, `not_awaited` (it isn't held), `digest_mismatch` (it is another call than the
   * person saw), `already_answered`, `unavailable`
   */
  approve(
    sessionId: string,
    intentId: string,
    request: ApprovalRequest,
    context: SendContext,
  ): Promise<Snapshot> {
    const digest = requestDigest(request, context.idempotencyKey);
    return this.send(sessionId, context, SPANS.answer, (before) =>
      approvalOf(before, intentId, request, digest),
    );
  }

  private async send(
    sessionId: string,
    { tenant, caller }: SendContext,
    span: string,
    outgoing: (before: Snapshot) => Outgoing,
  ): Promise<Snapshot> {
    const begun = performance.now();
    const { events, tracing } = this.options;
    for (;;) {
      const before = await this.sessions.get(sessionId, { tenant });
      const { sent, historyKey, refuse, refuseAnother } = outgoing(before);
      const earlier = before.inbox?.find(({ id }) => id === sent.id);
      const [applied] =
        earlier === undefined && historyKey !== undefined
          ? await this.store.history(sessionId, [historyKey])
          : [undefined];
      if (earlier !== undefined) refuseAnother(earlier.data);
      if (applied !== undefined) {
        refuseAnother({ ...applied });
        return before;
      }
      if (earlier === undefined) {
        if (isTerminal(before.status))
          throw new DormouseError('session_ended', `The session has ended: it is ${before.status}.`);
        refuse();
      }
      const snapshot = earlier === undefined ? await this.setDown(before, sent) : before;
      const out = snapshot?.inbox?.find(({ id }) => id === sent.id);
      if (snapshot === null || out === undefined) continue;
      const event = sentEvent(events, snapshot, out);
      await this.outlet.publish(snapshot, event);
      const repeated = earlier !== undefined;
      if (tracing !== undefined) traceSent(tracing, begun, { name: span, event, snapshot, repeated }, caller);
      return snapshot;
    }
  }

  private setDown(before: Snapshot, { id, name, data }: Outgoing['sent']): Promise<Snapshot | null> {
    return setDown(this.store, before, this.outlet.ack, (at) => ({
      inbox: [...(before.inbox ?? []), { id, name, at, version: before.version + 1, data }],
    }));
  }
}
