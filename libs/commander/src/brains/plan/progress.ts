import type { Json, OutcomeStatus } from '#contracts';

/**
 * How far each step of a plan is, one character each:
 * `.` waits · `r` under way · `s` succeeded · `f` failed · `u` unknown · `c` cancelled; while undoing:
 * `U` being undone · `d` undone · `k` its undoing failed and is skipped · `x` its undoing failed for good
 */
export type Mark = '.' | 'r' | 's' | 'f' | 'u' | 'c' | 'U' | 'd' | 'k' | 'x';

export const markOf: Record<OutcomeStatus, Mark> = {
  succeeded: 's',
  failed: 'f',
  unknown: 'u',
  cancelled: 'c',
};

/** What the plan brain keeps between two steps: the marks, and how often undoing a step has been tried again. */
export interface Progress {
  marks: Mark[];
  retries: Record<string, number>;
}

export const readProgress = (state: Json | undefined, steps: number): Progress => {
  if (state === undefined || state === null) return { marks: Array<Mark>(steps).fill('.'), retries: {} };
  if (typeof state === 'string') return { marks: state.split('') as Mark[], retries: {} };
  const { marks, retries } = state as { marks: string; retries: Record<string, number> };
  return { marks: marks.split('') as Mark[], retries: { ...retries } };
};

/** A string; an object only when something is being tried again. */
export const writeProgress = ({ marks, retries }: Progress): Json =>
  Object.keys(retries).length === 0 ? marks.join('') : { marks: marks.join(''), retries };
