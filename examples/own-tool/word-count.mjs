// A tool in a file of its own: plain JavaScript, nothing to build, nothing to install.
import { setTimeout as sleep } from 'node:timers/promises';

export const tools = [
  {
    name: 'count_words',
    description: 'Counts the words of a text; returns { words, longest }.',
    parameters: {
      type: 'object',
      properties: {
        text: { type: 'string' },
        slow_ms: { type: 'integer', minimum: 0, description: 'how long to take over it' },
      },
      required: ['text'],
      additionalProperties: false,
    },
    // running it twice changes nothing
    effect: 'pure',
    timeoutMs: 10_000,
    async run({ text, slow_ms: slowMs = 0 }, context) {
      // the signal is aborted at the timeout and when the session is cancelled
      await sleep(slowMs, undefined, { signal: context.signal });
      const words = text.split(/\s+/).filter((word) => word !== '');
      context.logger.debug(`${words.length} words`);
      return { words: words.length, longest: words.reduce((a, b) => (b.length > a.length ? b : a), '') };
    },
  },
];
