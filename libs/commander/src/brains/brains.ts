import { DormouseError, type Submission } from '#contracts';
import type { Brain } from '../brain.js';

const invalid = (field: string, expected: string, came: string): DormouseError =>
  new DormouseError('invalid_request', `${field}: expected ${expected}; came ${came}`, {
    details: { fields: [{ field, expected, came }] },
  });

/** The brains that sessions may name. */
export class Brains {
  private readonly byName: ReadonlyMap<string, Brain>;

  constructor(brains: readonly Brain[]) {
    this.byName = new Map(brains.map((brain) => [brain.name, brain]));
  }

  /**
   * The brain that decides for a new session: the one it names, else `plan` for a plan and `openai` for an input.
   *
   * Errors: `invalid_request` (an unknown name), `no_brain` (it can't think now; the message says what to set)
   */
  choose(submission: Submission): Brain {
    const named = submission.brain;
    if (submission.plan !== undefined && named !== undefined && named !== 'plan')
      throw invalid('/brain', '`plan` (or nothing) beside a `plan`', JSON.stringify(named));
    if (submission.plan === undefined && named === 'plan')
      throw invalid('/brain', 'a brain for an `input`', '"plan" without a `plan`');
    const brain = this.byName.get(named ?? (submission.plan === undefined ? 'openai' : 'plan'));
    if (brain === undefined && named !== undefined)
      throw invalid('/brain', `one of ${[...this.byName.keys()].join(', ')}`, JSON.stringify(named));
    const reason = brain === undefined ? 'This process has no brain for it.' : brain.unavailable(submission);
    if (brain === undefined || reason !== undefined)
      throw new DormouseError('no_brain', reason ?? '', { retryable: false });
    return brain;
  }

  /** Errors: `no_brain`, retryable: another process, or this one with other settings, can go on with the session. */
  of(name: string): Brain {
    const brain = this.byName.get(name);
    if (brain === undefined)
      throw new DormouseError(
        'no_brain',
        `A session is decided by the brain ${JSON.stringify(name)}, which this process lacks.`,
        {
          retryable: true,
        },
      );
    return brain;
  }
}
