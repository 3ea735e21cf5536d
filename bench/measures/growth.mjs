// Whether a step costs more the longer its session is: time and bytes written of the steps around the 1,000th against
// those around the 10th, with 1 KB observations. The tool that is called there tells the process' own figures.
import { ask, runSession } from '../client.mjs';

const STEPS = 1000;
/** steps on each side of the two places */
const AROUND = 8;
const EARLY = 10;

const plan = (steps) => ({
  plan: {
    steps: Array.from({ length: steps }, (_, i) => ({
      id: `s${i + 1}`,
      tool: 'process_figures',
      parameters: {},
    })),
  },
});

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/**
 * A step near `at`: ms and bytes. The median, since now and then one meets what the engine does for many: a checkpoint,
 * a position.
 */
const stepAt = (result, at) => {
  const [from, to] = [Math.max(1, at - AROUND), Math.min(STEPS, at + AROUND)];
  const figures = Array.from({ length: to - from + 1 }, (_, i) => result[`s${from + i}`]);
  const between = (figure) => median(figures.slice(1).map((next, i) => next[figure] - figures[i][figure]));
  return { ms: between('at_ms'), bytes: between('written') };
};

export const growth = async ({ server, sessions = 10 }) => {
  const start = performance.now();
  await runSession(server.url, plan(STEPS));
  const [early, late] = [[], []];
  for (let i = 0; i < sessions; i++) {
    const id = await runSession(server.url, plan(STEPS));
    const { status, result } = await ask(server.url, 'GET', `/v1/sessions/${id}`);
    if (status !== 'completed') throw new Error(`expected ${id} to complete, it is ${status}`);
    early.push(stepAt(result, EARLY));
    late.push(stepAt(result, STEPS));
  }
  const of = (steps, figure) => median(steps.map((step) => step[figure]));
  return {
    sessions,
    steps: STEPS,
    seconds: +((performance.now() - start) / 1000).toFixed(3),
    step_ms: [+of(early, 'ms').toFixed(3), +of(late, 'ms').toFixed(3)],
    step_bytes: [Math.round(of(early, 'bytes')), Math.round(of(late, 'bytes'))],
    step_ms_ratio: +(of(late, 'ms') / of(early, 'ms')).toFixed(3),
    bytes_ratio: +(of(late, 'bytes') / of(early, 'bytes')).toFixed(3),
  };
};
