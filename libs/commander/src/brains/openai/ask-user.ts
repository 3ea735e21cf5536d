import type { ChatCompletionFunctionTool } from 'openai/resources/chat/completions';
import type { AnsweredCall, AskedCall } from '../../brain.js';
import { ASK_USER } from '../../core/question.js';
import { quote } from './cut.js';
import { refusedCall } from './refused-call.js';
import { callArguments, type ModelCall } from './turn.js';

/** As much of a question as its session shows, in UTF-16 units; the model's turn in the history has all of it. */
const MOST_OF_A_QUESTION = 4_096;

/** The function by which a model asks a person: offered where the submission says so, and run nowhere. */
export const askUserFunction: ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: ASK_USER,
    description:
      'Ask the person who gave you the task one question, and get the answer. It may take long: ask only what you need to know and can find out in no other way.',
    parameters: {
      type: 'object',
      properties: { question: { type: 'string', minLength: 1 } },
      required: ['question'],
      additionalProperties: false,
    },
  },
};

/**
 * The question that a call puts, or why it can't be put.
 *
 * @param earlier of the same turn: one message answers one question
 */
export const questionOf = (
  call: ModelCall,
  earlier: AskedCall | undefined,
  at: string,
): AskedCall | AnsweredCall => {
  const question = callArguments(call.arguments)?.['question'];
  if (typeof question !== 'string' || question.trim() === '')
    return refusedCall(
      call,
      at,
      'invalid_parameters',
      `Expected {"question": a text that is not empty}; came: ${quote(call.arguments, 1000)}`,
    );
  if (earlier !== undefined)
    return refusedCall(
      call,
      at,
      'invalid_parameters',
      'One question at a time: another one was asked in the same turn. Ask this one when that has its answer.',
    );
  return { call: call.id, content: quote(question, MOST_OF_A_QUESTION) };
};
