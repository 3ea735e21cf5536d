// Tools for the test of what uses up an attempt and what doesn't. A run leaves a line: when it began, and which attempt it is.
import { appendFileSync, existsSync } from 'node:fs';

const journal = process.env.TEST_JOURNAL;
const object = { type: 'object', additionalProperties: true };
const begun = ({ attempt }) => appendFileSync(journal, `${Date.now()} ${attempt}\n`);
const isOpen = () => existsSync(`${journal}.open`);
const opened = async () => {
  while (!isOpen()) await new Promise((resolve) => setTimeout(resolve, 20));
};

export const tools = [
  {
    name: 'held',
    description: 'hangs until it is let go, then fails once',
    parameters: object,
    effect: 'idempotent',
    retry: { maxAttempts: 2, initialMs: 10, factor: 1, maxMs: 10 },
    async run(_parameters, context) {
      begun(context);
      await opened();
      if (context.attempt === 1) throw new Error('the one that counts');
      return { attempt: context.attempt };
    },
  },
  {
    name: 'failing_once',
    description: 'fails, and is tried again after a long pause',
    parameters: object,
    effect: 'idempotent',
    retry: { maxAttempts: 2, initialMs: 6000, factor: 1, maxMs: 6000 },
    run(_parameters, context) {
      begun(context);
      if (context.attempt === 1) throw new Error('not yet');
      return { attempt: context.attempt };
    },
  },
  {
    name: 'probed',
    description: 'hangs, and can be asked afterwards whether it was done',
    parameters: object,
    effect: 'irreversible',
    timeoutMs: 1500,
    retry: { maxAttempts: 1 },
    async run(_parameters, context) {
      begun(context);
      await opened();
    },
    probe: ({ answer }) => answer,
  },
];
