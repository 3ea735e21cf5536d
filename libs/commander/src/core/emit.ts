import { intentId, type PendingIntent } from '#contracts';
import type { ReadyCall } from './decision.js';
import type { Draft } from './draft.js';

/**
 * Turns calls into pending intents of the draft's current step. Those that wait for a time are left to the sweeper, the
 * others go into the outbox.
 */
export const emit = (draft: Draft, calls: readonly ReadyCall[]): void => {
  const { snapshot, now } = draft;
  const intents = calls.map((call, index): PendingIntent => {
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
    };
  });
  for (const intent of intents)
    draft.tell('intent', {
      intent_id: intent.intent_id,
      tool_name: intent.tool,
      parameters: intent.parameters,
      step: intent.step,
      ...(intent.call === undefined ? {} : { call: intent.call }),
      ...(intent.compensates === undefined ? {} : { compensates: intent.compensates }),
    });
  snapshot.usage = { ...snapshot.usage, tool_calls: snapshot.usage.tool_calls + intents.length };
  draft.addPending(intents);
  draft.publish(intents.filter((intent) => intent.not_before === undefined).map((i) => i.intent_id));
};
