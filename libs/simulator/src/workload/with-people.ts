import type { Submission } from '#contracts';
import { Randomness } from '../world/randomness.js';
import { withConversations } from './conversations.js';
import { drawParameters, type Scenario } from './scenario.js';
import { withApprovals } from './with-approvals.js';

/** What people do in a schedule beside submitting, cancelling and settling. */
export interface PeopleOptions {
  /** sessions of models that ask, and people who write to them */
  messages?: boolean;
  /** people are asked about many of the calls */
  approvals?: boolean;
}

/** Of a schedule's own seed and of each thing that is drawn apart from it. */
const APART = 2 ** 40;

/**
 * Drawn apart from the schedule and from each other, so that a seed without them is the schedule that it was.
 *
 * @param given submitted as it is, whatever people do
 */
export const withPeople = (
  scenario: Scenario,
  seed: number,
  { messages, approvals }: PeopleOptions,
  given?: Submission,
): Scenario => {
  const talking =
    messages === true ? withConversations(scenario, new Randomness(seed + APART), drawParameters) : scenario;
  if (given !== undefined)
    return { ...talking, wishes: talking.wishes.map((wish) => ({ ...wish, submission: given })) };
  return approvals === true ? withApprovals(talking, new Randomness(seed + 2 * APART)) : talking;
};
