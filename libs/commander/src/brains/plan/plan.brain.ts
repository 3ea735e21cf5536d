import { DormouseError, type Plan, type Submission } from '#contracts';
import type { Brain, Conclusion, Decision, ThinkContext } from '../../brain.js';
import { advance } from './advance.js';
import { windUp } from './undo.js';

const planOf = ({ snapshot }: ThinkContext): Plan => {
  const { plan } = snapshot.fixed.submission;
  if (plan === undefined)
    throw new DormouseError('brain_failed', 'The plan brain was asked about a session without a plan.');
  return plan;
};

/** Decides by a plan written beforehand: no model, no guess, the same each time. */
export class PlanBrain implements Brain {
  readonly name = 'plan';
  readonly thinksAfter = 'each';
  readonly cheap = true;

  unavailable(submission?: Submission): string | undefined {
    return submission !== undefined && submission.plan === undefined
      ? 'The brain `plan` needs a `plan` in the body.'
      : undefined;
  }

  think(context: ThinkContext): Decision | Promise<Decision> {
    return advance(context, planOf(context));
  }

  conclude(context: ThinkContext): Promise<Conclusion> {
    return windUp(context, planOf(context));
  }
}
