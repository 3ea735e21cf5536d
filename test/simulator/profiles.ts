import type { Around, Scenario } from '#simulator';
import type { OutboundRecord } from '#transport';

/** Plans of short runs that always succeed and may be repeated: what needs no sweeper to come to its end. */
export const plainPlans = (scenario: Scenario): Scenario => ({
  ...scenario,
  wishes: scenario.wishes.map(({ key, atMs, submission }) => ({
    key,
    atMs,
    submission: {
      plan: {
        steps: (submission.plan?.steps ?? []).map(({ id, after }, place) => ({
          id,
          tool: 'put',
          parameters: { name: id, acts: [{ ms: 37 * place, ends: 'ok', does: 0 }] },
          ...(after === undefined ? {} : { after }),
        })),
      },
    },
  })),
});

const TOOL_CALL = 'intent.tool_call';

/** Before some intents somebody puts one into the log that has the same id, and other parameters. */
export const withForgeries: Around = {
  ports: (ports) => {
    const { transport } = ports;
    const forged = (record: OutboundRecord): OutboundRecord[] => {
      const text = record.value.toString();
      if (!text.includes(TOOL_CALL) || !text.includes('"name":"s1"') || text.includes('"compensates"'))
        return [];
      return [{ ...record, value: Buffer.from(text.replace('"name":"s1"', '"name":"forged"')) }];
    };
    return {
      ...ports,
      transport: Object.assign(Object.create(transport) as typeof transport, {
        publish: (records: readonly OutboundRecord[]) =>
          transport.publish(records.flatMap((record) => [...forged(record), record])),
      }),
    };
  },
};
