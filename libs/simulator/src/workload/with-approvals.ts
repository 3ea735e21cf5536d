import type { JsonObject, PlanStep, Submission } from '#contracts';
import type { Randomness } from '../world/randomness.js';
import type { Scenario, Wish } from './scenario.js';
import type { Script } from './simulated-model.js';
import { ASKING } from './asking-tool.js';

const STEP_ASKS = 0.5;
const TOOL_ASKS = 0.3;
const QUICK = 0.25;
const TIMER = 'wait';
const QUESTION = 'ask_user';

const signed = (parameters: object, random: Randomness): JsonObject => ({
  ...(parameters as JsonObject),
  ...(random.chance(QUICK) ? { quick: true } : {}),
});

/** A step of which a person is asked, because its plan says so or its tool does. */
const asking = (step: PlanStep, random: Randomness): PlanStep => {
  const approval = random.chance(STEP_ASKS) ? { approval: true } : {};
  if (step.tool === TIMER || step.compensation !== undefined || !random.chance(TOOL_ASKS))
    return { ...step, ...approval };
  return { ...step, tool: ASKING, parameters: signed(step.parameters ?? {}, random), ...approval };
};

const ofModel = (input: string, random: Randomness): string => {
  const script = JSON.parse(input) as Script;
  const turns = script.turns.map((turn) =>
    turn.map((call) =>
      call.tool !== TIMER && call.tool !== QUESTION && random.chance(STEP_ASKS)
        ? { tool: ASKING, parameters: signed(call.parameters, random) }
        : call,
    ),
  );
  return JSON.stringify({ ...script, turns });
};

const submissionOf = ({ plan, input, ...rest }: Submission, random: Randomness): Submission => ({
  ...rest,
  ...(plan === undefined ? {} : { plan: { steps: plan.steps.map((step) => asking(step, random)) } }),
  ...(input === undefined ? {} : { input: ofModel(input, random) }),
});

/** The same scenario, in which people are asked about many of the calls. */
export const withApprovals = (scenario: Scenario, random: Randomness): Scenario => ({
  ...scenario,
  wishes: scenario.wishes.map((wish): Wish => ({
    ...wish,
    submission: submissionOf(wish.submission, random),
  })),
});
