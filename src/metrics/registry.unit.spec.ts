import { describe, expect, it } from '@jest/globals';
import { Histograms } from '#telemetry';
import { labelled, single } from './definition.js';
import { Exposition } from './registry.js';

const linesOf = async (exposition: Exposition, name: string): Promise<string[]> =>
  (await exposition.text()).split('\n').filter((line) => line.includes(name));

describe('the exposition', () => {
  it('tells a number as it stands at each scrape', async () => {
    let value = 3;
    const exposition = new Exposition([single('counter', 'own_total', 'Things', () => value)]);
    const head = ['# HELP own_total Things', '# TYPE own_total counter'];
    expect(await linesOf(exposition, 'own_total')).toEqual([...head, 'own_total 3']);
    value = 5;
    expect(await linesOf(exposition, 'own_total')).toEqual([...head, 'own_total 5']);
  });

  it('tells one number for each label, and none of a label that is gone', async () => {
    let values: Record<string, number> = { a: 1, b: 2 };
    const exposition = new Exposition([labelled('gauge', 'own', 'Things', 'kind', () => values)]);
    expect(await linesOf(exposition, 'own{')).toEqual(['own{kind="a"} 1', 'own{kind="b"} 2']);
    values = { b: 0 };
    expect(await linesOf(exposition, 'own{')).toEqual(['own{kind="b"} 0']);
  });

  it('writes histograms that were filled elsewhere', async () => {
    const durations = new Histograms([0.5, 1]);
    const exposition = new Exposition([
      { kind: 'histogram', name: 'own_seconds', help: 'Times', label: 'tool', read: () => durations },
    ]);
    expect(await linesOf(exposition, 'own_seconds')).toEqual([
      '# HELP own_seconds Times',
      '# TYPE own_seconds histogram',
    ]);
    for (const value of [0.25, 0.5, 0.75, 7]) durations.observe('a', value);
    expect(await linesOf(exposition, 'own_seconds{')).toEqual([]);
    expect(await linesOf(exposition, 'own_seconds_')).toEqual([
      'own_seconds_bucket{tool="a",le="0.5"} 2',
      'own_seconds_bucket{tool="a",le="1"} 3',
      'own_seconds_bucket{tool="a",le="+Inf"} 4',
      'own_seconds_sum{tool="a"} 8.5',
      'own_seconds_count{tool="a"} 4',
    ]);
  });

  it('has the figures of the process, also when several are asked', async () => {
    for (const exposition of [new Exposition([]), new Exposition([])]) {
      const text = await exposition.text();
      expect(text).toMatch(/^process_cpu_seconds_total \d/m);
      expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
    }
  });
});
