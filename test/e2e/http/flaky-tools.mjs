// A tool that fails before it succeeds, for the tests that count.
const runs = new Map();

export const tools = [
  {
    name: 'flaky',
    description: 'fails so often, then succeeds',
    parameters: {
      type: 'object',
      properties: { failures: { type: 'integer', minimum: 0 } },
      required: ['failures'],
      additionalProperties: false,
    },
    effect: 'idempotent',
    retry: { maxAttempts: 5, initialMs: 1, factor: 1, maxMs: 1 },
    run: ({ failures }, { intentId }) => {
      const run = (runs.get(intentId) ?? 0) + 1;
      runs.set(intentId, run);
      if (run <= failures) throw new Error(`run ${run} fails`);
      return { run };
    },
  },
];
