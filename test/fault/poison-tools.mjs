// Tools for the test of records that kill their process.
import { appendFileSync, existsSync } from 'node:fs';

const object = { type: 'object', additionalProperties: true };
/** One line a run, so that a test can count them after any number of deaths. */
const ran = (name) => appendFileSync(process.env.TEST_JOURNAL, `${name}\n`);
const isMended = () => existsSync(`${process.env.TEST_JOURNAL}.mended`);
const die = ({ by }) => {
  if (by === 'exit') process.exit(0);
  process.kill(process.pid, 'SIGKILL');
};

export const tools = [
  {
    name: 'deadly',
    description: 'kills the process that runs it, until it is mended',
    parameters: object,
    effect: 'idempotent',
    retry: { maxAttempts: 2, initialMs: 10, factor: 1, maxMs: 10 },
    run: (parameters, { attempt }) => {
      ran(`deadly ${attempt}`);
      if (!isMended()) die(parameters);
      return { attempt };
    },
  },
  {
    name: 'deadly_later',
    description: 'kills the process that runs it after a while, until it is mended',
    parameters: object,
    effect: 'idempotent',
    retry: { maxAttempts: 2, initialMs: 10, factor: 1, maxMs: 10 },
    run: async (parameters, { attempt }) => {
      ran(`deadly ${attempt}`);
      await new Promise((resolve) => setTimeout(resolve, parameters.ms));
      if (!isMended()) die(parameters);
      return { attempt };
    },
  },
  {
    name: 'deadly_to_decide',
    description: 'kills the Commander that asks what class a call of it is',
    parameters: object,
    effect: (parameters) => {
      if (parameters.deadly === true && !isMended()) {
        ran('decided');
        die(parameters);
      }
      return 'pure';
    },
    run: () => 'done',
  },
  {
    name: 'mark',
    description: 'leaves a line',
    parameters: object,
    effect: 'idempotent',
    run: ({ name }) => {
      ran(`mark ${name}`);
      return { name };
    },
  },
  {
    name: 'slow',
    description: 'takes a while',
    parameters: object,
    effect: 'idempotent',
    run: ({ ms }) => new Promise((resolve) => setTimeout(() => resolve({ ms }), ms)),
  },
];
