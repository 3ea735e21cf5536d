import type { ToolDefinition } from '../registry/tool.definition.js';

/** A month: longer than any retention of intents, a wait would outlive its own intent. */
const LONGEST_MS = 31 * 24 * 60 * 60 * 1000;

interface WaitParameters {
  ms: number;
}

/** A durable timer: nothing in any process waits with it. */
export const waitTool: ToolDefinition<WaitParameters> = {
  name: 'wait',
  description:
    'Waits for a time and then says so. Survives restarts; precise to some hundredths of a second.',
  parameters: {
    type: 'object',
    properties: {
      ms: { type: 'integer', minimum: 0, maximum: LONGEST_MS, description: 'how long, in milliseconds' },
    },
    required: ['ms'],
    additionalProperties: false,
  },
  effect: 'pure',
  timer: ({ ms }) => ms,
  // called when the time has passed
  run: ({ ms }) => ({ waited_ms: ms }),
};
