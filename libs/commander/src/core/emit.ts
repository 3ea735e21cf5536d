import { intentId, type PendingIntent } from '#contracts';
import type { ReadyCall } from './decision.js';
import type { Draft } from './draft.js';

/**
 * Turns calls into pending intents of the draft's current step. Those that wait for a time are left to the sweeper, the
 * others go into the outbox.
 */
export const emit = (draft: Draft, calls: readonly ReadyCall[]): void => {
  sendOut(
    draft,
    calls.map((call, index) => intentOf(draft, call, index)),
  );
};

/** The call as the intent of the draft's current step with this index. */
export const intentOf = ({ snapshot, now }: Draft, call: ReadyCall, index: number): PendingIntent => {
  const { tool, parameters, digest, effect, deadline_at } = call;
  return {
    intent_id: intentId(snapshot.session_id, snapshot.step, index),
    tool,
    parameters,
    digest,
    effect,
    step: snapshot.step,
    emitted_at: now,
    deadline_at,
    ...(call.external === true ? { external: true } : {}),
    ...(call.call === undefined ? {} : { call: call.call }),
    ...(call.compensates === undefined ? {} : { compensates: call.compensates }),
    ...(call.on_compensation_failure === undefined
      ? {}
      : { on_compensation_failure: call.on_compensation_failure }),
    ...(call.repeat === undefined ? {} : { repeat: call.repeat }),
    ...(call.not_before === undefined ? {} : { not_before: call.not_before }),
    ...(call.bare === true ? { bare: true } : {}),
  };
};

export const tellIntent = (draft: Draft, intent: PendingIntent): void =>
  draft.tell('intent', {
    intent_id: intent.intent_id,
    tool_name: intent.tool,
    parameters: intent.parameters,
    step: intent.step,
    ...(intent.call === undefined ? {} : { call: intent.call }),
    ...(intent.compensates === undefined ? {} : { compensates: intent.compensates }),
  });

/** From here on the session waits for these. */
export const sendOut = (draft: Draft, intents: readonly PendingIntent[]): void => {
  const { snapshot } = draft;
  for (const intent of intents) tellIntent(draft, intent);
  snapshot.usage = { ...snapshot.usage, tool_calls: snapshot.usage.tool_calls + intents.length };
  draft.addPending(intents);
  draft.publish(intents.filter((intent) => intent.not_before === undefined).map((i) => i.intent_id));
};
