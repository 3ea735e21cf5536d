import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EffectClass, EFFECT_CLASSES } from '#contracts';
import type { ToolDefinition } from '#dispatcher';
import { DispatcherBed, type IntentOptions, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
let runs: unknown[];
beforeEach(async () => {
  bed = await DispatcherBed.open();
  runs = [];
});
afterEach(() => bed.close());

const asking = (effect: EffectClass, approval: NonNullable<ToolDefinition['approval']> = 'always') =>
  tool('t', effect, (parameters) => runs.push(parameters), { approval });
const byAmount = ((parameters: { amount: number }) => parameters.amount > 100) as unknown as NonNullable<
  ToolDefinition['approval']
>;
const run = async (
  effect: EffectClass,
  options: IntentOptions,
  approval?: NonNullable<ToolDefinition['approval']>,
) => {
  const process = bed.process([asking(effect, approval)]);
  await process.run(await bed.intent('t', { effect, ...options }));
  return process.published.map(({ data }) => [data?.status, data?.error?.code]);
};
const REFUSED = [['failed', 'approval_required']];
const SUCCEEDED = [['succeeded', undefined]];

describe.each(EFFECT_CLASSES)('a %s tool that wants a person asked', (effect) => {
  it('does not run an intent that names nobody who approved it', async () => {
    expect(await run(effect, {})).toEqual(REFUSED);
    expect(runs).toEqual([]);
  });

  it('runs one that somebody approved', async () => {
    expect(await run(effect, { approved_by: 'ann' })).toEqual(SUCCEEDED);
  });

  it('undoes without asking', async () => {
    expect(await run(effect, { compensates: 'another' })).toEqual(SUCCEEDED);
  });

  it('runs nothing that its session still holds, whoever has put it into the log', async () => {
    expect(await run(effect, { held: true, approved_by: 'ann' })).toEqual([]);
    expect(runs).toEqual([]);
  });

  it('asks by the parameters', async () => {
    expect(await run(effect, { parameters: { amount: 5 } }, byAmount)).toEqual(SUCCEEDED);
    expect(await run(effect, { parameters: { amount: 500 } }, byAmount)).toEqual(REFUSED);
    expect(runs).toEqual([{ amount: 5 }]);
  });
});

it('an intent of another program can name nobody: it is not run', async () => {
  const process = bed.process([asking('irreversible')]);
  const { deploymentid: _, ...foreign } = await bed.intent('t', { approved_by: 'ann', compensates: 'x' });
  await process.run(foreign);
  expect(process.published.map(({ data }) => [data?.status, data?.error?.code])).toEqual(REFUSED);
  expect(runs).toEqual([]);
});
