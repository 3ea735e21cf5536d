import type { ChatRequest, ModelClient } from '#commander';
import type { JsonObject } from '#contracts';
import type { Randomness } from '../world/randomness.js';
import type { SimulatedProcess } from '../world/simulated-process.js';

/** What a model says, turn by turn: the text of a session's input. A seed tells all of it. */
export interface Script {
  /** the calls of each turn */
  turns: { tool: string; parameters: JsonObject }[][];
  /** `refuses`: gives up, and its session fails */
  ends: 'says' | 'refuses';
}

/** How often a request fails in a way that is worth another one. */
const FAULT_SHARE = 0.06;
const THINKS_MS = 3_000;

/**
 * A model's server in a simulation, in the time of the process that asks it. What it says follows from the conversation
 * that it is given, as a model's answer does; a conversation that no server would take is told to `complain`.
 */
export class SimulatedModel implements ModelClient {
  constructor(
    private readonly process: SimulatedProcess,
    private readonly random: Randomness,
    private readonly complain: (what: string) => void,
  ) {}

  complete({ messages }: ChatRequest, signal: AbortSignal): Promise<unknown> {
    const { random, process } = this;
    const wrong = danglingCall(messages);
    if (wrong !== undefined) this.complain(wrong);
    const fault = random.chance(FAULT_SHARE);
    const ms = random.chance(0.9) ? random.int(1, 150) : random.int(150, THINKS_MS);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
      });
      process.after(ms, () => {
        if (fault) reject(Object.assign(new Error('overloaded'), { status: 503 }));
        else resolve(answerTo(messages));
      });
    });
  }
}

const NOTHING_ASKED: Script = { turns: [], ends: 'says' };

const answerTo = (messages: ChatRequest['messages']): unknown => {
  const asked = messages.find(({ role }) => role === 'user')?.content;
  // a store that lost its last writes may have lost the question, and kept what was written later
  const { turns, ends }: Script =
    typeof asked === 'string' && asked.startsWith('{') ? (JSON.parse(asked) as Script) : NOTHING_ASKED;
  const number = messages.filter(({ role }) => role === 'assistant').length;
  const calls = turns[number];
  const message =
    calls === undefined
      ? ends === 'says'
        ? { content: 'That was all.' }
        : { content: null, refusal: 'no more of this' }
      : {
          content: null,
          tool_calls: calls.map(({ tool, parameters }, index) => ({
            id: `call_${number}_${index}`,
            type: 'function',
            function: { name: tool, arguments: JSON.stringify(parameters) },
          })),
        };
  const finish_reason = calls === undefined ? 'stop' : 'tool_calls';
  return { choices: [{ finish_reason, message }], usage: { prompt_tokens: 1, completion_tokens: 1 } };
};

/** A call that isn't answered right after its turn, or twice: what a server refuses. */
const danglingCall = (messages: ChatRequest['messages']): string | undefined => {
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) return `an answer to ${message.tool_call_id}, which isn't open`;
      continue;
    }
    if (open.size > 0) return `${[...open].join(', ')} without an answer`;
    if (message.role === 'assistant') open = new Set(message.tool_calls?.map(({ id }) => id));
  }
  return open.size === 0 ? undefined : `${[...open].join(', ')} without an answer`;
};
