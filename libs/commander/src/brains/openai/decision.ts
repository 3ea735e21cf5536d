import type { ErrorCode, Json, ToolCatalogue } from '#contracts';
import type { AnsweredCall, AskedCall, Call, Decision } from '../../brain.js';
import { ASK_USER } from '../../core/question.js';
import { questionOf } from './ask-user.js';
import type { TokenUsage } from './completion.js';
import { quote } from './cut.js';
import { refusedCall } from './refused-call.js';
import { type ModelCall, type ModelTurn, callArguments, toStored } from './turn.js';

/** What a decision needs to know beside the turn. */
export interface Surroundings {
  tools: ToolCatalogue;
  /** names of the tools that the model was offered */
  offered: ReadonlySet<string>;
  /** it may ask a person */
  mayAsk: boolean;
  /** RFC 3339: when an answered call was answered */
  at: string;
}

/**
 * What a turn means for the session: calls to make, or an end.
 *
 * A call that can't be made (unknown or not offered, arguments that are no object or break the tool's schema) is
 * answered with an error that the model sees at the next think; the others of the same turn are made. Calls of a turn
 * that was cut at the length limit are made if they arrived whole; a refusal or a content filter makes none.
 */
export const decide = (turn: ModelTurn, usage: TokenUsage, around: Surroundings): Decision => {
  const said = { message: toStored(turn), usage };
  if (turn.refusal !== undefined) {
    return {
      calls: [],
      ...said,
      finish: failed('brain_refused', `The model refused: ${quote(turn.refusal, 1000)}`),
    };
  }
  if (turn.finish === 'content_filter') {
    const message = 'The server left content out because of its content filter.';
    return { calls: [], ...said, finish: failed('brain_refused', message, turn.text) };
  }
  if (turn.calls.length > 0) {
    const calls: Call[] = [];
    const answered: AnsweredCall[] = [];
    let ask: AskedCall | undefined;
    for (const call of turn.calls) {
      const verdict =
        around.mayAsk && call.name === ASK_USER ? questionOf(call, ask, around.at) : judge(call, around);
      if ('content' in verdict) ask = verdict;
      else if ('outcome' in verdict) answered.push(verdict);
      else calls.push(verdict);
    }
    return {
      calls,
      ...(answered.length === 0 ? {} : { answered }),
      ...(ask === undefined ? {} : { ask }),
      ...said,
    };
  }
  if (turn.finish === 'length') {
    const message = 'The answer was cut at the length limit of the model; `result` holds what came.';
    return { calls: [], ...said, finish: failed('brain_failed', message, turn.text) };
  }
  return { calls: [], ...said, finish: { kind: 'completed', result: { text: turn.text ?? '' } } };
};

/** The model answered with nothing, as often as it was asked. */
export const nothingSaid = (times: number, usage: TokenUsage): Decision => ({
  calls: [],
  usage,
  finish: failed('brain_failed', `The model answered ${times} times with neither text nor a tool call.`),
});

const failed = (code: ErrorCode, message: string, text?: string | null): NonNullable<Decision['finish']> => ({
  kind: 'failed',
  error: { code, message, retryable: false },
  ...(text === undefined || text === null ? {} : { result: { text } }),
});

const judge = (call: ModelCall, { tools, offered, at }: Surroundings): Call | AnsweredCall => {
  const answer = (code: ErrorCode, message: string, details?: Json): AnsweredCall =>
    refusedCall(call, at, code, message, details);
  if (!offered.has(call.name)) {
    const known = offered.size === 0 ? 'there are no tools' : `known: ${[...offered].join(', ')}`;
    return answer(
      'unknown_tool',
      `There is no tool ${JSON.stringify(quote(call.name, 100))}; ${quote(known, 4000)}.`,
    );
  }
  const parameters = callArguments(call.arguments);
  if (parameters === undefined) {
    return answer(
      'invalid_parameters',
      `The arguments of ${call.name} must be one JSON object; came: ${quote(call.arguments, 1000)}`,
    );
  }
  const violations = tools.violations(call.name, parameters);
  if (violations !== undefined) {
    return answer(
      'invalid_parameters',
      `The arguments of ${call.name} don't fit its schema.`,
      violations.slice(0, 50),
    );
  }
  return { tool: call.name, parameters, call: call.id };
};
