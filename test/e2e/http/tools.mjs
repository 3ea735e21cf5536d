// Tools for the tests of the REST API: quick ones, and one that the test opens like a gate.
const object = (properties = {}) => ({ type: 'object', properties, additionalProperties: false });

/** Calls that wait at the gate; shared with the test, which runs in the same process. */
const gate = (globalThis.dormouseTestGate ??= { open: false, waiting: new Set() });

/** What `UnknownOutcomeError` and `NonRetryableError` of the package are recognised by. */
const toolError = (kind, code, message) =>
  Object.assign(new Error(message), { [Symbol.for('dormouse.error')]: true, kind, code, retryable: false });

export const tools = [
  {
    name: 'lose_track',
    description: 'nobody knows afterwards whether it was done, unless it is told to be sure',
    parameters: object({ sure: { type: 'boolean' }, value: {} }),
    effect: 'irreversible',
    run: ({ sure, value }) => {
      if (sure !== true) throw toolError('unknown_outcome', 'outcome_unknown', 'the line went dead');
      return { receipt: value ?? null };
    },
  },
  {
    name: 'take',
    description: 'takes something, which can be given back',
    parameters: object({ what: {} }),
    effect: 'compensatable',
    compensation: 'give_back',
    run: ({ what }) => ({ what }),
  },
  {
    name: 'give_back',
    description: 'gives back what was taken, unless it is stubborn',
    parameters: object({ what: {}, stubborn: { type: 'boolean' } }),
    effect: 'idempotent',
    run: ({ what, stubborn }) => {
      if (stubborn === true) throw toolError('non_retryable', 'tool_failed', 'nobody answers the door');
      return { returned: what ?? null };
    },
  },
  {
    name: 'echo',
    description: 'answers what it was given',
    parameters: object({ value: {} }),
    effect: 'pure',
    run: ({ value }) => ({ value: value ?? null }),
  },
  {
    name: 'sign',
    description: 'signs for an amount; a person is asked above a hundred',
    parameters: object({ amount: { type: 'number' } }),
    effect: 'irreversible',
    approval: ({ amount }) => amount > 100,
    run: ({ amount }) => ({ signed: amount }),
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
