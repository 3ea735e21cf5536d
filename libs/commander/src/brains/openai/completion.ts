import type { Json } from '#contracts';
import { uniqueCallId } from './call-id.js';
import { quote } from './cut.js';
import type { ModelCall, ModelTurn } from './turn.js';

export interface TokenUsage {
  input_tokens: number;
  output_tokens: number;
}

/**
 * What a server's answer turned out to be.
 * - `turn`: the model said something, or called tools.
 * - `empty`: a valid answer with nothing in it; asking again may help.
 * - `unusable`: no chat completion at all (a proxy's page, an error under status 200).
 */
export type Reading =
  | { kind: 'turn'; turn: ModelTurn; usage: TokenUsage }
  | { kind: 'empty'; usage: TokenUsage }
  | { kind: 'unusable'; message: string };

/**
 * Reads an answer of the Chat Completions API. Nothing about its shape is believed before it is looked at.
 * @param step number of the step that thinks, for ids of calls that need one
 * @param usedIds ids of the session's earlier calls; the new ones are added
 */
export const readCompletion = (body: unknown, step: number, usedIds: Set<string>): Reading => {
  if (!isObject(body)) return unusable(body);
  const usage = readUsage(body.usage);
  const choice: unknown = Array.isArray(body.choices) ? body.choices[0] : undefined;
  if (!isObject(choice) || !isObject(choice.message)) return unusable(body);
  const finish = typeof choice.finish_reason === 'string' ? choice.finish_reason : 'stop';
  // some gateways report a failed upstream inside the choice
  if (finish === 'error' || isObject(choice.error)) return unusable(isObject(choice.error) ? choice : body);

  const { message } = choice;
  const refusal = typeof message.refusal === 'string' && message.refusal !== '' ? message.refusal : undefined;
  const text = readText(message.content);
  const calls = readCalls(message.tool_calls, step, usedIds);
  if (
    text === null &&
    calls.length === 0 &&
    refusal === undefined &&
    (finish === 'stop' || finish === 'tool_calls')
  ) {
    return { kind: 'empty', usage };
  }
  const reasoning =
    calls.length > 0 && typeof message.reasoning_content === 'string' ? message.reasoning_content : undefined;
  return {
    kind: 'turn',
    usage,
    turn: {
      v: 1,
      text,
      calls,
      finish,
      ...(refusal === undefined ? {} : { refusal }),
      ...(reasoning === undefined ? {} : { reasoning }),
    },
  };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unusable = (value: unknown): Reading => {
  const error = isObject(value) && isObject(value.error) ? value.error : undefined;
  if (typeof error?.message === 'string') return { kind: 'unusable', message: quote(error.message, 500) };
  const came = value === undefined || value === '' ? 'nothing' : JSON.stringify(value);
  return { kind: 'unusable', message: `expected a chat completion, got ${quote(came, 200)}` };
};

/** Text, or the text of its parts; null when there is none but white space. */
const readText = (content: unknown): string | null => {
  const parts: unknown[] = Array.isArray(content) ? content : [content];
  const text = parts
    .map((part) => (isObject(part) ? part.text : part))
    .filter((part) => typeof part === 'string')
    .join('');
  return text.trim() === '' ? null : text;
};

const readCalls = (value: unknown, step: number, usedIds: Set<string>): ModelCall[] => {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((call, index) => {
    const target = isObject(call.function) ? call.function : {};
    const given = target.arguments;
    return {
      id: uniqueCallId(call.id, step, index, usedIds),
      name: typeof target.name === 'string' ? target.name : '',
      // an object instead of its text: a known slip of servers
      arguments:
        typeof given === 'string'
          ? given
          : given === undefined || given === null
            ? ''
            : JSON.stringify(given),
      ...(isObject(call.extra_content) ? { extra: call.extra_content as Json } : {}),
    };
  });
};

const readUsage = (usage: unknown): TokenUsage => {
  const count = (value: unknown): number =>
    typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
  if (!isObject(usage)) return { input_tokens: 0, output_tokens: 0 };
  return { input_tokens: count(usage.prompt_tokens), output_tokens: count(usage.completion_tokens) };
};
