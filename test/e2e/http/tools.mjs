// Tools for the tests of the REST API: quick ones, and one that the test opens like a gate.
const object = (properties = {}) => ({ type: 'object', properties, additionalProperties: false });

/** Calls that wait at the gate; shared with the test, which runs in the same process. */
const gate = (globalThis.dormouseTestGate ??= { open: false, waiting: new Set() });

export const tools = [
  {
    name: 'echo',
    description: 'answers what it was given',
    parameters: object({ value: {} }),
    effect: 'pure',
    run: ({ value }) => ({ value: value ?? null }),
  },
  {
    name: 'fail',
    description: 'fails, and says that trying again is of no use',
    parameters: object({}),
    effect: 'irreversible',
    run: () => {
      throw new Error('as asked');
    },
  },
  {
    name: 'at_gate',
    description: 'waits until the test opens the gate',
    parameters: object({}),
    effect: 'idempotent',
    timeoutMs: 60_000,
    run: (_parameters, { signal }) =>
      new Promise((resolve, reject) => {
        if (gate.open) return resolve({ through: true });
        const pass = () => resolve({ through: true });
        gate.waiting.add(pass);
        signal.addEventListener('abort', () => {
          gate.waiting.delete(pass);
          reject(signal.reason);
        });
      }),
  },
];
