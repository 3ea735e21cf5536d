import type { Plan, PlanStep } from '#contracts';

/** What follows what in a plan, by the places of the steps. */
export interface PlanGraph {
  /** place of a step */
  index: ReadonlyMap<string, number>;
  /** what each step follows */
  before: readonly (readonly number[])[];
  /** what follows each step */
  after: readonly (readonly number[])[];
}

/** The ids that a step follows: those it names, else the step above it. */
export const predecessors = (steps: readonly PlanStep[], place: number): readonly string[] => {
  const named = steps[place]?.after;
  if (named !== undefined) return named;
  const above = steps[place - 1];
  return above === undefined ? [] : [above.id];
};

const make = ({ steps }: Plan): PlanGraph => {
  const index = new Map<string, number>();
  steps.forEach((step, place) => index.set(step.id, place));
  const after: number[][] = steps.map(() => []);
  const before = steps.map((step, place): readonly number[] => {
    const places =
      step.after === undefined
        ? place === 0
          ? []
          : [place - 1]
        : [...new Set(step.after)].map((id) => index.get(id)).filter((p) => p !== undefined);
    for (const p of places) after[p]?.push(place);
    return places;
  });
  return { index, before, after };
};

/** One graph per plan object: a store that keeps the parsed submission saves the work, and nothing outlives it. */
const made = new WeakMap<Plan, PlanGraph>();

export const planGraph = (plan: Plan): PlanGraph => {
  const known = made.get(plan);
  if (known !== undefined) return known;
  const graph = make(plan);
  made.set(plan, graph);
  return graph;
};

/** The places in an order in which each comes after all that it follows; shorter than the plan when there is a cycle. */
export const orderOf = (graph: PlanGraph): number[] => {
  const waits = graph.before.map((places) => places.length);
  const order = waits.flatMap((n, place) => (n === 0 ? [place] : []));
  // the list grows while it is walked
  for (const done of order)
    for (const place of graph.after[done] ?? []) {
      const left = (waits[place] ?? 0) - 1;
      waits[place] = left;
      if (left === 0) order.push(place);
    }
  return order;
};

/** One cycle, as the ids along it; undefined when there is none. */
export const cycleOf = ({ steps }: Plan, graph: PlanGraph): string[] | undefined => {
  const order = orderOf(graph);
  if (order.length === steps.length) return undefined;
  const free = new Set(order);
  // every step outside the order follows another one outside it: going back long enough comes round
  const path = new Set<number>();
  let place = steps.findIndex((_, p) => !free.has(p));
  while (!path.has(place)) {
    path.add(place);
    place = graph.before[place]?.find((p) => !free.has(p)) ?? place;
  }
  const walked = [...path];
  const cycle = walked.slice(walked.indexOf(place)).reverse();
  // told from the step that stands first
  const first = cycle.indexOf(Math.min(...cycle));
  return [...cycle.slice(first), ...cycle.slice(0, first)].map((p) => steps[p]?.id ?? '');
};

/** Answers whether one step is an ancestor of another, over a graph without cycles. */
export const ancestry = (graph: PlanGraph): ((place: number, ancestor: number) => boolean) => {
  const words = Math.ceil(graph.before.length / 32);
  let rows: Uint32Array[] | undefined;
  // a bit for each ancestor of each step: made only when a reference reaches further back than one step
  const build = (): Uint32Array[] => {
    const all = graph.before.map(() => new Uint32Array(words));
    for (const place of orderOf(graph)) {
      const row = all[place];
      if (row === undefined) continue;
      for (const p of graph.before[place] ?? []) {
        const above = all[p];
        if (above === undefined) continue;
        for (let w = 0; w < words; w++) row[w] = (row[w] ?? 0) | (above[w] ?? 0);
        row[p >>> 5] = (row[p >>> 5] ?? 0) | (1 << (p & 31));
      }
    }
    return all;
  };
  return (place, ancestor) => {
    if (graph.before[place]?.includes(ancestor) === true) return true;
    rows ??= build();
    return (((rows[place]?.[ancestor >>> 5] ?? 0) >>> (ancestor & 31)) & 1) === 1;
  };
};
