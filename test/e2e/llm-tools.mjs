// Tools for sessions that a language model decides. Each run is told to a file, which outlives kill -9.
import { openSync, writeSync } from 'node:fs';

const journal = openSync(process.env.LLM_TOOLS_JOURNAL, 'a');
const tell = (context) => writeSync(journal, `${context.intentId}\n`);
const number = { type: 'number' };

export const tools = [
  {
    name: 'add',
    description: 'Adds two numbers.',
    parameters: {
      type: 'object',
      properties: { a: number, b: number },
      required: ['a', 'b'],
      additionalProperties: false,
    },
    effect: 'irreversible',
    async run({ a, b }, context) {
      tell(context);
      return { sum: a + b };
    },
  },
  {
    name: 'divide',
    description: 'Divides two numbers.',
    parameters: {
      type: 'object',
      properties: { a: number, b: number },
      required: ['a', 'b'],
      additionalProperties: false,
    },
    effect: 'irreversible',
    async run({ a, b }, context) {
      tell(context);
      if (b === 0) throw new Error('division by zero');
      return { quotient: a / b };
    },
  },
];
