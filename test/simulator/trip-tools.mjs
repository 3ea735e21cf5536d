/** Tools as somebody may have them: what a reservation is, is known here alone. */
const reservations = new Set();

export const tools = [
  {
    name: 'reserve',
    description: 'Reserves a seat.',
    parameters: { type: 'object', properties: { seat: { type: 'string' } }, required: ['seat'] },
    effect: 'compensatable',
    compensation: 'release',
    run: async ({ seat }, { intentId }) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      reservations.add(intentId);
      return { seat, reservation: intentId };
    },
  },
  {
    name: 'release',
    description: 'Gives a seat back.',
    parameters: { type: 'object' },
    effect: 'idempotent',
    run: (_parameters, { compensates }) => ({ released: reservations.delete(compensates) }),
  },
  {
    name: 'charge',
    description: 'Takes the money; refuses every time.',
    parameters: { type: 'object' },
    effect: 'irreversible',
    run: () => {
      throw new Error('the card is refused');
    },
  },
];
