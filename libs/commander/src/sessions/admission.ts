import { createHash } from 'node:crypto';
import {
  crockford26,
  DormouseError,
  type FieldProblem,
  type Submission,
  type ToolCatalogue,
} from '#contracts';
import { validatePlan } from '../brains/plan/validate-plan.js';
import { ASK_USER } from '../core/question.js';

/** The id that a tenant's idempotency key always leads to. */
export const sessionIdOfKey = (tenant: string, key: string): string =>
  `sess-${crockford26(createHash('sha256').update(`${tenant}\0${key}`).digest())}`;

const refuse = (code: 'invalid_request' | 'invalid_plan', fields: readonly FieldProblem[]): never => {
  const sentences = fields.map((f) => `${f.field}: expected ${f.expected}; came ${f.came}`);
  throw new DormouseError(code, sentences.join('. '), { details: { fields: fields.map((f) => ({ ...f })) } });
};

/** How many problems one answer names. */
const MOST_PROBLEMS = 50;

const toolProblems = (submission: Submission, catalogue: ToolCatalogue): FieldProblem[] =>
  (submission.tools ?? []).flatMap((name, index) =>
    catalogue.get(name) === undefined
      ? [
          {
            field: `/tools/${index}`,
            expected: 'the name of a tool (GET /v1/tools)',
            came: JSON.stringify(name),
          },
        ]
      : [],
  );

/** Who may ask has to be able to get an answer. */
const askingProblems = (
  { plan, messages, ask_user }: Submission,
  catalogue: ToolCatalogue,
): FieldProblem[] => {
  const wrong = (expected: string): FieldProblem[] => [{ field: '/ask_user', expected, came: 'true' }];
  if (ask_user !== true) return [];
  if (plan !== undefined) return wrong('none with a `plan`, which asks nobody');
  if (messages === 'reject')
    return wrong(
      'none with `messages: "reject"`, or `messages: "enqueue"`, so that a question can be answered',
    );
  return catalogue.get(ASK_USER) === undefined
    ? []
    : wrong(`none while there is a tool named ${ASK_USER}, or another name for that tool`);
};

/** What a submission says beyond what its schema can check. */
export interface Admitted {
  warnings: string[];
  deadlineAt?: number;
}

/**
 * Checks what a body's schema can't. The body itself fits its schema already.
 *
 * Errors: `invalid_request`, `invalid_plan`, each with `details.fields`
 */
export const admit = (submission: Submission, catalogue: ToolCatalogue): Admitted => {
  const { plan, deadline } = submission;
  if ((plan === undefined) === (submission.input === undefined))
    refuse('invalid_request', [
      { field: '', expected: 'either `input` or `plan`', came: plan === undefined ? 'neither' : 'both' },
    ]);
  const tools = toolProblems(submission, catalogue);
  if (tools.length > 0) refuse('invalid_request', tools);
  const asking = askingProblems(submission, catalogue);
  if (asking.length > 0) refuse('invalid_request', asking);
  const deadlineAt = deadline === undefined ? undefined : Date.parse(deadline);
  if (Number.isNaN(deadlineAt))
    refuse('invalid_request', [
      { field: '/deadline', expected: 'an RFC 3339 time', came: JSON.stringify(deadline) },
    ]);
  const { problems, warnings } =
    plan === undefined
      ? { problems: [], warnings: [] }
      : validatePlan(plan, catalogue, {
          saga: submission.saga === true,
          ...(submission.tools === undefined ? {} : { tools: submission.tools }),
        });
  if (problems.length > 0)
    refuse(
      'invalid_plan',
      problems.slice(0, MOST_PROBLEMS).map((p) => ({ ...p, field: `/plan${p.field}` })),
    );
  return { warnings, ...(deadlineAt === undefined ? {} : { deadlineAt }) };
};
