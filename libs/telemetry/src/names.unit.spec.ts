import { expect, it } from '@jest/globals';
import { ATTRIBUTES, LABELS, METRICS } from './names.js';

const namesIn = (tree: object): string[] =>
  Object.values(tree).flatMap((value: unknown) =>
    typeof value === 'string' ? [value] : namesIn(value as object),
  );

it('no two metrics and no two attributes have the same name', () => {
  for (const names of [namesIn(METRICS), namesIn(ATTRIBUTES)]) expect(new Set(names).size).toBe(names.length);
});

it('metrics and labels are named as Prometheus has it', () => {
  for (const name of namesIn(METRICS)) expect(name).toMatch(/^dormouse_[a-z]+(_[a-z]+)*$/);
  for (const label of namesIn(LABELS)) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
});
