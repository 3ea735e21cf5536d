// The tools of the bench's workload: about 300 B in and out, no latency of their own but for `slow`.
const anything = { type: 'object', additionalProperties: true };

const echo = (effect) => ({
  name: `echo_${effect}`,
  description: 'gives back what it was given',
  parameters: anything,
  effect,
  ...(effect === 'compensatable' ? { compensation: 'echo_idempotent' } : {}),
  run: (parameters) => ({ ok: true, echo: parameters }),
});

export const tools = [
  ...['pure', 'idempotent', 'compensatable', 'irreversible'].map(echo),
  {
    name: 'slow',
    description: 'takes its time, and holds its place meanwhile',
    parameters: anything,
    effect: 'pure',
    run: ({ ms }) => new Promise((resolve) => setTimeout(() => resolve({ ms }), ms)),
  },
];
