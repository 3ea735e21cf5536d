import type { JsonObject, Submission } from '#contracts';
import type { Randomness } from '../world/randomness.js';
import type { Script } from './simulated-model.js';
import type { Scenario, Wish } from './scenario.js';

/** Makes the parameters of a call. */
export type DrawParameters = (random: Randomness, tool: string, name: string) => JsonObject;

const CALLED = { look: 3, put: 3, book: 4, send: 3, wait: 1, ask_user: 4, nothing_like_that: 0.3 };
const MOST_MESSAGES = 5;
const LATE_MS = 12_000;

const drawTurn = (random: Randomness, turn: number, parametersOf: DrawParameters): Script['turns'][number] =>
  Array.from({ length: random.int(1, 3) }, (_, index) => {
    const tool = random.weighed(CALLED);
    const name = `t${turn}c${index}`;
    return { tool, parameters: tool === 'ask_user' ? { question: name } : parametersOf(random, tool, name) };
  });

const drawTask = (random: Randomness, parametersOf: DrawParameters): Submission => {
  const script: Script = {
    turns: Array.from({ length: random.int(0, 4) }, (_, turn) => drawTurn(random, turn, parametersOf)),
    ends: random.chance(0.85) ? 'says' : 'refuses',
  };
  return { input: JSON.stringify(script), ask_user: true };
};

const drawWrites = (random: Randomness): NonNullable<Wish['writes']> =>
  Array.from({ length: random.int(0, MOST_MESSAGES) }, () => ({
    afterMs: random.chance(0.8) ? random.int(0, 1_500) : random.int(0, LATE_MS),
  }));

/**
 * Models in place of most plans, which may ask; people who write to sessions at any moment and answer what they are asked.
 * Drawn apart from the rest of a schedule, which is the same without.
 */
export const withConversations = (
  scenario: Scenario,
  random: Randomness,
  parametersOf: DrawParameters,
): Scenario => ({
  ...scenario,
  wishes: scenario.wishes.map((wish) => {
    const { deadline, saga = false } = wish.submission;
    const task = random.chance(0.85) ? drawTask(random, parametersOf) : wish.submission;
    return {
      ...wish,
      submission: { ...task, saga, ...(deadline === undefined ? {} : { deadline }) },
      writes: drawWrites(random),
    };
  }),
  habits: { ...scenario.habits, answers: { afterMs: random.int(0, 8_000) } },
});
