// One tool of every effect class. Each begin and each end goes to a file with a plain write, which outlives kill -9.
import { openSync, writeSync } from 'node:fs';

const journal = openSync(process.env.FAULT_JOURNAL, 'a');
const write = (entry) => writeSync(journal, `${JSON.stringify(entry)}\n`);
const anything = { type: 'object', additionalProperties: true };

const tool = (effect) => ({
  name: `do_${effect}`,
  description: `an effect of the class ${effect}`,
  parameters: anything,
  effect,
  // an unknown outcome is told after the intent's deadline, which these make near
  timeoutMs: 2000,
  retry: { maxAttempts: 2, initialMs: 50, factor: 2, maxMs: 200 },
  ...(effect === 'compensatable' ? { compensation: 'do_idempotent' } : {}),
  async run(parameters, context) {
    write({ intent: context.intentId, key: context.idempotencyKey, effect, at: 'begin' });
    await new Promise((resolve) => setTimeout(resolve, parameters.ms));
    write({ intent: context.intentId, key: context.idempotencyKey, effect, at: 'end' });
    return { done: context.intentId };
  },
});

export const tools = ['pure', 'idempotent', 'compensatable', 'irreversible'].map(tool);
