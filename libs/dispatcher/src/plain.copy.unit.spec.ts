import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonCopy, plainCopy } from './plain.copy.js';

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a copy of JSON', () => {
  it('is what writing and reading it would give, and shares nothing with it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonCopy(value)).toEqual(json(value));
        const plain = plainCopy(value);
        if (plain !== undefined) expect(plain).toEqual(json(value));
      }),
    );
    const value = { list: [{ a: 1 }], text: 'x' };
    const copied = plainCopy(value) as typeof value;
    value.list[0]!.a = 2;
    expect(copied).toEqual({ list: [{ a: 1 }], text: 'x' });
  });

  it.each([
    ['a date', { at: new Date(0) }],
    ['a field without a value', { a: undefined, b: 1 }],
    ['a list with a hole', [1, undefined, 3]],
    ['a number that JSON lacks', { n: Number.NaN, m: -Infinity }],
    ['its own JSON', { toJSON: () => ({ b: 2 }) }],
    [
      'an instance',
      new (class Point {
        x = 1;
      })(),
    ],
    ['a map', { m: new Map([[1, 2]]) }],
    ['a field named __proto__', JSON.parse('{"__proto__":{"a":1},"b":2}') as unknown],
  ])('of %s is what JSON makes of it', (_, value) => {
    expect(plainCopy(value)).toBeUndefined();
    expect(JSON.stringify(jsonCopy(value))).toBe(JSON.stringify(value));
  });

  it('of what has no JSON is none', () => {
    expect(jsonCopy(undefined)).toBeUndefined();
    expect(jsonCopy(() => 1)).toBeUndefined();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => jsonCopy(circle)).toThrow(TypeError);
    expect(() => jsonCopy({ n: 1n })).toThrow(TypeError);
  });
});
