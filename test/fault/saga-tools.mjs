// Bookings that can be undone, and a last step that fails. Each begin and each end is a line in a file: a plain write outlives kill -9.
import { appendFileSync } from 'node:fs';

const object = { type: 'object', additionalProperties: true };
const write = (line) => appendFileSync(process.env.FAULT_JOURNAL, `${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const retry = { maxAttempts: 3, initialMs: 20, factor: 2, maxMs: 100 };

const journaled = (tool) => async (parameters, context) => {
  const line = { tool, intent: context.intentId, compensates: context.compensates };
  write({ ...line, at: 'begin' });
  await pause(parameters.ms ?? 5);
  write({ ...line, at: 'end' });
  return { done: context.intentId };
};

export const tools = [
  {
    name: 'book',
    description: 'books something',
    parameters: object,
    effect: 'compensatable',
    compensation: 'unbook',
    // an unknown outcome is told after the intent's deadline, which this makes near
    timeoutMs: 2000,
    retry,
    run: journaled('book'),
  },
  {
    name: 'unbook',
    description: 'undoes a booking',
    parameters: object,
    effect: 'idempotent',
    timeoutMs: 2000,
    retry,
    run: journaled('unbook'),
  },
  {
    name: 'refuse',
    description: 'fails',
    parameters: object,
    effect: 'irreversible',
    timeoutMs: 2000,
    retry,
    async run({ ms }) {
      await pause(ms);
      throw new Error('refused');
    },
  },
];
