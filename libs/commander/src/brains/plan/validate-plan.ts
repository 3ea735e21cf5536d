import type { FieldProblem, JsonObject, Plan, PlanStep, ToolCatalogue } from '#contracts';
import { isShallow } from '../../json-depth.js';
import { compensationOf } from './compensation.js';
import { ancestry, cycleOf, orderOf, planGraph } from './plan-graph.js';
import { findReferences, hasReference } from './reference.js';

export interface PlanRules {
  saga: boolean;
  /** the tools that the session may use; absent: all */
  tools?: readonly string[];
}

export interface PlanReport {
  /** `field` is a JSON Pointer (RFC 6901) into the plan */
  problems: FieldProblem[];
  warnings: string[];
}

/** Deeper parameters are nobody's on purpose, and what walks them calls itself at each level. */
const MOST_LEVELS = 100;

const show = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
};

/** Tells what is wrong with a plan whose form its schema has checked: the graph, the references, the tools' parameters. */
export const validatePlan = (plan: Plan, catalogue: ToolCatalogue, rules: PlanRules): PlanReport => {
  const problems: FieldProblem[] = [
    ...idProblems(plan),
    ...plan.steps.flatMap((step, place) => formProblems(step, place)),
  ];
  // what follows walks the graph and the parameters
  if (problems.length > 0) return { problems, warnings: [] };
  const cycle = cycleOf(plan, planGraph(plan));
  if (cycle !== undefined)
    problems.push({
      field: `/steps/${planGraph(plan).index.get(cycle[0] ?? '') ?? 0}/after`,
      expected: 'steps that can be put in an order',
      came: `a cycle: ${[...cycle, cycle[0] ?? ''].slice(0, 20).join(' → ')}`,
    });
  else problems.push(...referenceProblems(plan));
  problems.push(...plan.steps.flatMap((step, place) => toolProblems(step, place, catalogue, rules)));
  return { problems, warnings: problems.length === 0 && rules.saga ? sagaWarnings(plan, catalogue) : [] };
};

const idProblems = ({ steps }: Plan): FieldProblem[] => {
  const places = new Map<string, number>();
  const problems: FieldProblem[] = [];
  steps.forEach(({ id }, place) => {
    const first = places.get(id);
    if (first === undefined) places.set(id, place);
    else
      problems.push({
        field: `/steps/${place}/id`,
        expected: 'an id of its own',
        came: `${show(id)}, as in /steps/${first}`,
      });
  });
  steps.forEach(({ after = [] }, place) =>
    after.forEach((id, index) => {
      if (!places.has(id))
        problems.push({
          field: `/steps/${place}/after/${index}`,
          expected: 'the id of a step',
          came: show(id),
        });
    }),
  );
  return problems;
};

/** The parameters of a step and of its compensation, each with the place where they stand. */
const parametersOf = (
  step: PlanStep,
  place: number,
): { at: string; parameters: Record<string, unknown> }[] => [
  { at: `/steps/${place}/parameters`, parameters: step.parameters ?? {} },
  ...(step.compensation === undefined
    ? []
    : [{ at: `/steps/${place}/compensation/parameters`, parameters: step.compensation.parameters ?? {} }]),
];

const formProblems = (step: PlanStep, place: number): FieldProblem[] =>
  parametersOf(step, place).flatMap(({ at, parameters }): FieldProblem[] =>
    isShallow(parameters, MOST_LEVELS)
      ? []
      : [{ field: at, expected: `at most ${MOST_LEVELS} levels of nesting`, came: 'more' }],
  );

const referenceProblems = (plan: Plan): FieldProblem[] => {
  const graph = planGraph(plan);
  const isAncestor = ancestry(graph);
  const problems: FieldProblem[] = [];
  plan.steps.forEach((step, place) =>
    parametersOf(step, place).forEach(({ at, parameters }, which) => {
      for (const reference of findReferences(parameters)) {
        const field = `${at}${reference.at}`;
        if (reference.malformed !== undefined) {
          problems.push({
            field,
            expected: '{"$ref": step, "pointer"?: JSON Pointer}',
            came: reference.malformed,
          });
          continue;
        }
        const target = graph.index.get(reference.step);
        const inCompensation = which === 1;
        if (target !== undefined && (isAncestor(place, target) || (inCompensation && target === place)))
          continue;
        problems.push({
          field: `${field}/$ref`,
          expected: inCompensation
            ? `${show(step.id)} itself, or a step that it follows`
            : `a step that ${show(step.id)} follows, directly or through others`,
          came: show(reference.step),
        });
      }
    }),
  );
  return problems;
};

const toolProblems = (
  step: PlanStep,
  place: number,
  catalogue: ToolCatalogue,
  { tools }: PlanRules,
): FieldProblem[] => {
  const at = `/steps/${place}`;
  const named = [
    { at, tool: step.tool, parameters: step.parameters ?? {} },
    ...(step.compensation === undefined
      ? []
      : [
          {
            at: `${at}/compensation`,
            tool: step.compensation.tool,
            parameters: step.compensation.parameters ?? {},
          },
        ]),
  ];
  return named.flatMap(({ at, tool, parameters }) => {
    if (catalogue.get(tool) === undefined)
      return [{ field: `${at}/tool`, expected: 'the name of a tool (GET /v1/tools)', came: show(tool) }];
    if (tools !== undefined && !tools.includes(tool))
      return [
        {
          field: `${at}/tool`,
          expected: `one of the session's tools: ${tools.join(', ')}`,
          came: show(tool),
        },
      ];
    // what a reference stands for is checked before the tool runs
    const violations = hasReference(parameters) ? undefined : catalogue.violations(tool, parameters);
    return violations === undefined
      ? []
      : [
          {
            field: `${at}/parameters`,
            expected: `what ${tool} takes: ${violations.join('; ')}`,
            came: show(parameters),
          },
        ];
  });
};

/** A saga that can come to a point after which it can't be undone as a whole. */
const sagaWarnings = (plan: Plan, catalogue: ToolCatalogue): string[] => {
  const graph = planGraph(plan);
  const warnings: string[] = [];
  // per step: an irreversible one among those it follows
  const follows = new Array<string | undefined>(plan.steps.length);
  for (const place of orderOf(graph)) {
    const step = plan.steps[place];
    if (step === undefined) continue;
    const earlier = follows[place];
    if (earlier !== undefined && compensationOf(step, catalogue) !== undefined)
      warnings.push(
        `Step ${show(step.id)} can be undone but follows ${show(earlier)}, which can't: when it fails, ${show(earlier)} stays done. Put irreversible steps last.`,
      );
    const down = earlier ?? (isIrreversible(step, catalogue) ? step.id : undefined);
    if (down !== undefined) for (const p of graph.after[place] ?? []) follows[p] ??= down;
  }
  return warnings;
};

const isIrreversible = (step: PlanStep, catalogue: ToolCatalogue): boolean =>
  step.compensation === undefined &&
  catalogue.effectOf(step.tool, (step.parameters ?? {}) as JsonObject) === 'irreversible';
