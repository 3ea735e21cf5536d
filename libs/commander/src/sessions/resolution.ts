import {
  DormouseError,
  type FieldProblem,
  type JsonObject,
  resolutionId,
  type ResolutionRequest,
  type Snapshot,
  type StuckIntent,
  type ToolCatalogue,
} from '#contracts';
import { intentDigest } from '#idempotency';
import { mayRetry } from '../core/resolution.js';
import { refuseForeignIntent } from './intent-of-session.js';
import type { Outgoing } from './outgoing.js';
import { refuseAnswered } from './request-digest.js';

const invalid = (field: string, expected: string, came: unknown): DormouseError => {
  const problem: FieldProblem = { field, expected, came: JSON.stringify(came).slice(0, 120) };
  return new DormouseError('invalid_request', `${field}: expected ${expected}; came ${problem.came}`, {
    details: { fields: [{ ...problem }] },
  });
};

/** The resolution that a request asks for; `refuse` raises what speaks against it in the session as it is. */
export const resolutionOf = (
  before: Snapshot,
  intentId: string,
  request: ResolutionRequest,
  tools: ToolCatalogue,
  digest: string | undefined,
): Outgoing => {
  refuseForeignIntent(before, intentId);
  const { outcome, result, parameters, by, reason } = request;
  if (result !== undefined && outcome !== 'succeeded')
    throw invalid('/result', 'none, unless `outcome` is `succeeded`', result);
  if (parameters !== undefined && outcome !== 'retry')
    throw invalid('/parameters', 'none, unless `outcome` is `retry`', parameters);
  const stuck = before.stuck?.find(({ intent }) => intent.intent_id === intentId);
  const given: JsonObject = { intent_id: intentId, outcome, by, reason };
  if (result !== undefined) given['result'] = result;
  if (digest !== undefined) given['request_digest'] = digest;
  if (parameters !== undefined && stuck !== undefined)
    Object.assign(given, changed(stuck, parameters as JsonObject, tools));
  return {
    sent: {
      id: resolutionId(intentId),
      name: 'observation.resolution',
      data: given,
    },
    historyKey: `resolution:${intentId}`,
    refuse: () => refuse(before, intentId, stuck, request, tools),
    refuseAnother: (earlier) => refuseAnswered(digest, earlier),
  };
};

/** What a retry with other parameters says of its call. */
const changed = ({ intent }: StuckIntent, parameters: JsonObject, tools: ToolCatalogue): JsonObject => ({
  parameters,
  digest: intentDigest(intent.tool, parameters),
  // a plan's own compensation makes a call compensatable whatever its tool
  effect: intent.effect === 'compensatable' ? intent.effect : tools.effectOf(intent.tool, parameters),
  ...(tools.needsApproval(intent.tool, parameters) ? { held: true } : {}),
});

const refuse = (
  before: Snapshot,
  intentId: string,
  stuck: StuckIntent | undefined,
  { outcome, parameters }: ResolutionRequest,
  tools: ToolCatalogue,
): void => {
  if (stuck === undefined) {
    const underWay = before.pending.some((intent) => intent.intent_id === intentId);
    const waits = before.stuck?.map(({ intent }) => intent.intent_id) ?? [];
    throw new DormouseError(
      'not_awaited',
      `The session doesn't wait for a person to settle ${intentId}${underWay ? ', which is still under way' : ''}; ${waits.length === 0 ? 'there is nothing to settle in it' : `it waits for ${waits.join(', ')}`}.`,
    );
  }
  const { intent } = stuck;
  if (outcome === 'retry' && !mayRetry(before, stuck))
    throw new DormouseError(
      'not_awaited',
      `The session is ending, so ${intent.tool} isn't run again: settle it as succeeded or failed.`,
    );
  const violations = parameters === undefined ? undefined : tools.violations(intent.tool, parameters);
  if (violations !== undefined)
    throw invalid('/parameters', `what ${intent.tool} takes: ${violations.join('; ')}`, parameters);
};
