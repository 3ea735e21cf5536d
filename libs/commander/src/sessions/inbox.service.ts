import { Inject, Injectable } from '@nestjs/common';
import {
  DormouseError,
  type HistoryEntry,
  isTerminal,
  type Json,
  type JsonObject,
  type ResolutionRequest,
  sentEvent,
  type Snapshot,
  ToolCatalogue,
} from '#contracts';
import { bodyDigest } from '#idempotency';
import { SessionStore } from '#state';
import { SPANS } from '#telemetry';
import { EventClient } from '#transport';
import { COMMANDER_OPTIONS, type CommanderOptions } from '../commander.options.js';
import type { Outgoing } from './outgoing.js';
import { Outlet } from './outlet.js';
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
    const digest = requestDigest(request, context);
    return this.send(sessionId, context, digest, (before) =>
      resolutionOf(before, intentId, request, this.tools),
    );
  }

  private async send(
    sessionId: string,
    { tenant, caller }: SendContext,
    digest: string | undefined,
    outgoing: (before: Snapshot) => Outgoing,
  ): Promise<Snapshot> {
    const begun = performance.now();
    const { events, tracing } = this.options;
    for (;;) {
      const before = await this.sessions.get(sessionId, { tenant });
      const { sent, historyKey, refuse } = outgoing(before);
      const earlier = before.inbox?.find(({ id }) => id === sent.id);
      const [applied] =
        earlier === undefined ? await this.store.history(sessionId, [historyKey]) : [undefined];
      if (applied !== undefined || earlier !== undefined)
        refuseAnother(digest, earlier?.data ?? { ...(applied as HistoryEntry) });
      if (applied !== undefined) return before;
      if (earlier === undefined) {
        if (isTerminal(before.status))
          throw new DormouseError('session_ended', `The session has ended: it is ${before.status}.`);
        refuse();
      }
      const snapshot = earlier === undefined ? await this.setDown(before, sent, digest) : before;
      const out = snapshot?.inbox?.find(({ id }) => id === sent.id);
      if (snapshot === null || out === undefined) continue;
      const event = sentEvent(events, snapshot, out);
      await this.outlet.publish(snapshot, event);
      const repeated = earlier !== undefined;
      if (tracing !== undefined)
        traceSent(tracing, begun, { name: SPANS.answer, event, snapshot, repeated }, caller);
      return snapshot;
    }
  }

  private setDown(
    before: Snapshot,
    { id, name, data }: Outgoing['sent'],
    digest: string | undefined,
  ): Promise<Snapshot | null> {
    const whole: JsonObject = { ...data, ...(digest === undefined ? {} : { request_digest: digest }) };
    return setDown(this.store, before, this.outlet.ack, (at) => ({
      inbox: [...(before.inbox ?? []), { id, name, at, version: before.version + 1, data: whole }],
    }));
  }
}

/** Of the body and its key; none without a key: then a repeat is another answer. */
const requestDigest = (body: object, { idempotencyKey }: SendContext): string | undefined =>
  idempotencyKey === undefined ? undefined : bodyDigest({ key: idempotencyKey, body: body as Json });

const refuseAnother = (digest: string | undefined, earlier: Record<string, unknown>): void => {
  if (digest !== undefined && earlier['request_digest'] === digest) return;
  const { by, reason, outcome } = earlier;
  const told = Object.entries({ by, reason, outcome }).filter(([, value]) => typeof value === 'string');
  throw new DormouseError(
    'already_answered',
    `${typeof by === 'string' ? by : 'Somebody'} has answered this already; the first answer counts.`,
    { details: Object.fromEntries(told) as JsonObject },
  );
};
