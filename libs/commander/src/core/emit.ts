import { intentId, type PendingIntent } from '#contracts';
import type { ReadyCall } from './decision.js';
import type { Draft } from './draft.js';

/**
 * Turns calls into intents of the draft's current step. Those that wait for a time are left to the sweeper, those that wait
 * for a person are held, the others go into the outbox.
 */
export const emit = (draft: Draft, calls: readonly ReadyCall[]): void => {
  const intents = calls.map((call, index) => ({
    intent: intentOf(draft, call, index),
    held: call.held === true,
  }));
  hold(
    draft,
    intents.flatMap(({ intent, held }) => (held ? [intent] : [])),
  );
  sendOut(
    draft,
    intents.flatMap(({ intent, held }) => (held ? [] : [intent])),
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

export const tellIntent = (draft: Draft, intent: PendingIntent, held = false): void =>
  draft.tell('intent', {
    intent_id: intent.intent_id,
    tool_name: intent.tool,
    parameters: intent.parameters,
    step: intent.step,
    ...(intent.call === undefined ? {} : { call: intent.call }),
    ...(intent.compensates === undefined ? {} : { compensates: intent.compensates }),
    ...(held ? { held, digest: intent.digest } : {}),
  });

const count = ({ snapshot }: Draft, calls: number): void => {
  snapshot.usage = { ...snapshot.usage, tool_calls: snapshot.usage.tool_calls + calls };
};

/** These wait for a person: they aren't published, so nobody runs them. */
export const hold = (draft: Draft, intents: readonly PendingIntent[]): void => {
  for (const intent of intents) tellIntent(draft, intent, true);
  count(draft, intents.length);
  draft.addHeld(intents);
};

/** From here on the session waits for these. */
export const sendOut = (draft: Draft, intents: readonly PendingIntent[]): void => {
  for (const intent of intents) tellIntent(draft, intent);
  count(draft, intents.length);
  draft.addPending(intents);
  draft.publish(intents.filter((intent) => intent.not_before === undefined).map((i) => i.intent_id));
};
