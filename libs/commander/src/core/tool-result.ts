import type { PendingIntent, Snapshot } from '#contracts';
import type { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { beginEnding, failedUnclear, keepOutcome, settle } from './ending.js';
import type { Observation } from './input.js';
import { goOn } from './go-on.js';
import { conflictOutcome } from './outcomes.js';
import { isUnclear } from './stuck.js';

export type ToolResult = Extract<Observation, { type: 'tool_result' }>;

/**
 * The intent that a result answers. A minimal worker leaves the intent's id out: then it is taken for the only pending
 * one, if that is served by others and has the tool's name.
 */
export const answeredBy = (
  snapshot: Snapshot,
  result: ToolResult,
): PendingIntent | 'not_pending' | 'unattributable' => {
  const { pending } = snapshot;
  if (result.intent_id !== undefined)
    return pending.find((p) => p.intent_id === result.intent_id) ?? 'not_pending';
  const [only] = pending;
  if (only === undefined || pending.length > 1 || only.external !== true) return 'unattributable';
  return result.tool === undefined || result.tool === only.tool ? only : 'unattributable';
};

/** Keeps the answer, and goes on with what it means for the session. */
export const applyResult = (
  draft: Draft,
  intent: PendingIntent,
  result: Pick<ToolResult, 'outcome' | 'digest'>,
  thinksAfter: 'each' | 'all',
): Transition => {
  const conflict = result.digest !== undefined && result.digest !== intent.digest;
  const outcome = conflict ? conflictOutcome(intent, draft.now) : result.outcome;
  const stuck = keepOutcome(draft, intent, outcome);
  if (draft.snapshot.ending !== undefined) return settle(draft);
  return !stuck && isUnclear(intent, outcome)
    ? beginEnding(draft, failedUnclear(intent, outcome))
    : goOn(draft, thinksAfter);
};
