import { DormouseError, type HistoryEntry } from '#contracts';
import { type AssistantMessage, type ChatMessage, FUNCTION_NAME, type ToolCallParam } from './chat.js';
import { MISSING_RESULT, resultText } from './result-text.js';
import { type ModelCall, type ModelTurn, callArguments, storedTurn } from './turn.js';

/** What the model is asked with, and which ids of tool calls the session has used. */
export interface Conversation {
  messages: ChatMessage[];
  callIds: Set<string>;
}

/**
 * The messages of a session, from its history: the instructions, then what was said in order. Every tool call of a turn
 * is answered right after it, whatever became of the call and wherever its outcome stands in the history: the API
 * refuses a conversation with an open call, and what a user wrote meanwhile comes after the answers.
 *
 * Errors: `brain_failed` (not retryable) for a turn that this release can't read.
 */
export const conversation = (
  instructions: string | undefined,
  history: readonly HistoryEntry[],
): Conversation => {
  const outcomes = new Map<string, string>();
  for (const entry of history) {
    if (entry.kind === 'message' && entry.answers !== undefined) outcomes.set(entry.answers, entry.content);
    if (entry.kind !== 'observation' || entry.call === undefined || outcomes.has(entry.call)) continue;
    outcomes.set(entry.call, resultText(entry.outcome));
  }
  const messages: ChatMessage[] = [];
  const callIds = new Set<string>();
  if (instructions !== undefined && instructions !== '')
    messages.push({ role: 'system', content: instructions });
  for (const entry of history) {
    if (entry.kind === 'message' && entry.answers === undefined)
      messages.push({ role: 'user', content: entry.content });
    if (entry.kind !== 'brain') continue;
    const turn = storedTurn(entry.content);
    if (turn === undefined) {
      throw new DormouseError(
        'brain_failed',
        `The history entry ${entry.key} holds no turn that this release can read; another brain or a later release wrote it.`,
      );
    }
    messages.push(assistantMessage(turn));
    for (const { id } of turn.calls) {
      callIds.add(id);
      messages.push({ role: 'tool', tool_call_id: id, content: outcomes.get(id) ?? MISSING_RESULT });
    }
  }
  return { messages, callIds };
};

const assistantMessage = (turn: ModelTurn): AssistantMessage => {
  if (turn.calls.length === 0) return { role: 'assistant', content: turn.text ?? turn.refusal ?? '' };
  return {
    role: 'assistant',
    content: turn.text,
    tool_calls: turn.calls.map(toolCall),
    ...(turn.reasoning === undefined ? {} : { reasoning_content: turn.reasoning }),
  };
};

/**
 * A call that was answered as faulty is given back in a form that every server takes: some parse the arguments again
 * (vLLM, llama.cpp) and refuse the whole conversation when they are no JSON object, and a name outside the pattern is
 * refused by all. Its answer quotes what was really sent.
 */
const toolCall = (call: ModelCall): ToolCallParam => ({
  id: call.id,
  type: 'function',
  function: {
    name: FUNCTION_NAME.test(call.name) ? call.name : tamed(call.name),
    arguments:
      call.arguments.trim() === '' || callArguments(call.arguments) === undefined ? '{}' : call.arguments,
  },
  ...(call.extra === undefined ? {} : { extra_content: call.extra }),
});

const tamed = (name: string): string => name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unnamed';
