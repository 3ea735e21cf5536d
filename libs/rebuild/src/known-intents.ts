import { type Outcome, repeatable, type ToolCallData } from '#contracts';
import { intentDigest } from '#idempotency';
import type { SessionLog } from './session-log.js';

/** What the claim of an intent has to say again, so that no dispatcher takes the intent for a new one. */
export interface KnownIntent {
  intentId: string;
  digest: string;
  /** the log has it, and no step has applied it; absent: it may be under way, or have been done without anybody knowing */
  outcome?: Outcome;
}

/** @param applied ids of the observations that the session's steps have applied */
export const knownIntents = (log: SessionLog, applied: ReadonlySet<string>): KnownIntent[] => [
  ...unansweredOf(log),
  ...unappliedOf(log, applied),
];

/** Its record may have been finished, or comes to a session that has to take an earlier step first. */
const unappliedOf = (log: SessionLog, applied: ReadonlySet<string>): KnownIntent[] =>
  [...log.observations.values()].flatMap(({ observation }) => {
    if (observation.type !== 'tool_result' || applied.has(observation.id)) return [];
    const { intent_id: intentId = '', outcome } = observation;
    const data = log.answered.has(intentId) ? log.intents.get(intentId)?.data : undefined;
    return data === undefined ? [] : [{ intentId, digest: digestOf(data), outcome }];
  });

const unansweredOf = (log: SessionLog): KnownIntent[] =>
  [...log.intents.values()].flatMap((event) => {
    const { data } = event;
    if (data === undefined || log.answered.has(event.id)) return [];
    if (data.effect !== undefined && repeatable(data.effect)) return [];
    return [{ intentId: event.id, digest: digestOf(data) }];
  });

const digestOf = ({ tool_name, parameters }: ToolCallData): string => intentDigest(tool_name, parameters);
