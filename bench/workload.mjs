// One workload for every system that is compared: about 300 B into each tool call, three calls one after the other.
export const PAD = 'x'.repeat(240);

/** @param {string} effect the effect class of the tool @param {number} steps */
export const session = (effect = 'pure', steps = 3) => ({
  plan: {
    steps: Array.from({ length: steps }, (_, step) => ({
      id: `s${step}`,
      tool: `echo_${effect}`,
      parameters: { step, q: PAD },
    })),
  },
});

const HOUR = 3_600_000;
export const asleep = () => ({
  plan: { steps: [{ id: 'sleep', tool: 'wait', parameters: { ms: HOUR } }] },
  metadata: { q: PAD },
});
export const slow = (ms) => ({ plan: { steps: [{ id: 'slow', tool: 'slow', parameters: { ms } }] } });
