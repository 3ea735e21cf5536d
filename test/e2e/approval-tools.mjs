// Tools of which one asks for a person by its parameters. Each run is told to a file, which all processes share.
import { appendFileSync } from 'node:fs';

const tell = ({ intentId }) => appendFileSync(process.env.APPROVAL_JOURNAL, `${intentId}\n`);
const parameters = {
  type: 'object',
  properties: { amount: { type: 'number' } },
  required: ['amount'],
  additionalProperties: false,
};

export const tools = [
  {
    name: 'quote',
    description: 'Tells what it would cost.',
    parameters,
    effect: 'pure',
    run: ({ amount }, context) => {
      tell(context);
      return { quoted: amount };
    },
  },
  {
    name: 'transfer',
    description: 'Transfers an amount; a person is asked above a hundred.',
    parameters,
    effect: 'irreversible',
    approval: ({ amount }) => amount > 100,
    run: ({ amount }, context) => {
      tell(context);
      return { transferred: amount };
    },
  },
];
