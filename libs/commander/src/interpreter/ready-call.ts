import {
  COMPENSATION_RETRY,
  type EffectClass,
  type RetryPolicy,
  repeatable,
  type ToolCatalogue,
  type ToolSpec,
} from '#contracts';
import { intentDigest } from '#idempotency';
import type { Call, Conclusion, Decision } from '../brain.js';
import type { ReadyCall, ReadyConclusion, ReadyDecision } from '../core/decision.js';

/** For what lies between emission and run, and between outcome and observation. */
const SLACK_MS = 30_000;
const TIMER_SLACK_MS = 60_000;
/** The dispatcher spreads each backoff by half. */
const MOST_JITTER = 1.5;

/** The longest that all attempts and the pauses between them may take. */
const patienceMs = ({ timeoutMs, retry }: ToolSpec, attempts: number): number => {
  let pauses = 0;
  let pause = retry.initialMs;
  let left = attempts - 1;
  for (; left > 0 && pause < retry.maxMs && retry.factor > 1; left--, pause *= retry.factor) pauses += pause;
  pauses += left * Math.min(pause, retry.maxMs);
  return attempts * timeoutMs + pauses * MOST_JITTER;
};

const attemptsOf = (retry: RetryPolicy, call: Call): number =>
  call.compensates === undefined
    ? retry.maxAttempts
    : Math.max(retry.maxAttempts, COMPENSATION_RETRY.maxAttempts);

/** After it an outcome is no longer expected, in ms from the emission. */
const deadlineMs = (spec: ToolSpec, call: Call): number => {
  if (spec.servedBy === 'external') return spec.timeoutMs;
  if (spec.timer === true) {
    const { ms } = call.parameters;
    return (typeof ms === 'number' && ms > 0 ? ms : 0) + TIMER_SLACK_MS;
  }
  return patienceMs(spec, attemptsOf(spec.retry, call)) + SLACK_MS;
};

/** An unknown tool has no deadline of its own: the dispatcher says so at once. */
const placeOf = (spec: ToolSpec | undefined, call: Call, effect: EffectClass, now: number) => {
  if (spec === undefined) return { deadline_at: now + SLACK_MS };
  const from = now + (call.delayMs ?? 0);
  const deadline_at = from + deadlineMs(spec, call);
  if (spec.servedBy !== 'external') return { deadline_at };
  const repeat = { left: Math.max(spec.retry.maxAttempts - 1, 0), every_ms: spec.timeoutMs };
  return { deadline_at, external: true, ...(repeatable(effect) ? { repeat } : {}) };
};

const isBare = ({ tool, effect: heldTo }: Call, effect: EffectClass, tools: ToolCatalogue): boolean =>
  effect === 'compensatable' && heldTo === undefined && tools.get(tool)?.compensation === undefined;

/** A person is asked before it is made. Undoing doesn't wait for anybody. */
const isHeld = ({ tool, parameters, approval, compensates }: Call, tools: ToolCatalogue): boolean =>
  compensates === undefined && (approval === true || tools.needsApproval(tool, parameters));

/** Adds to a brain's call what the catalogue knows of its tool. */
export const readyCall = (call: Call, tools: ToolCatalogue, now: number): ReadyCall => {
  const { effect: heldTo, delayMs, approval: _, ...rest } = call;
  const effect = heldTo ?? tools.effectOf(call.tool, call.parameters);
  return {
    ...rest,
    digest: intentDigest(call.tool, call.parameters),
    effect,
    ...(isBare(call, effect, tools) ? { bare: true } : {}),
    ...(isHeld(call, tools) ? { held: true } : {}),
    ...placeOf(tools.get(call.tool), call, effect, now),
    ...(delayMs === undefined ? {} : { not_before: now + delayMs }),
  };
};

export const readyDecision = (decision: Decision, tools: ToolCatalogue, now: number): ReadyDecision => ({
  ...decision,
  calls: decision.calls.map((call) => readyCall(call, tools, now)),
});

export const readyConclusion = (
  { calls, unmade, ...rest }: Conclusion,
  tools: ToolCatalogue,
  now: number,
): ReadyConclusion => ({
  ...rest,
  calls: calls.map((call) => readyCall(call, tools, now)),
  ...(unmade === undefined
    ? {}
    : { unmade: unmade.map(({ call, outcome }) => ({ call: readyCall(call, tools, now), outcome })) }),
});
