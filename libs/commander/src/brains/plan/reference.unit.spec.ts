import { describe, expect, it } from '@jest/globals';
import type { Json } from '#contracts';
import { evaluatePointer, resolve, UnresolvedReference } from './reference.js';

describe('pointers, by the examples of RFC 6901 section 5', () => {
  const document: Json = {
    foo: ['bar', 'baz'],
    '': 0,
    'a/b': 1,
    'c%d': 2,
    'e^f': 3,
    'g|h': 4,
    'i\\j': 5,
    'k"l': 6,
    ' ': 7,
    'm~n': 8,
  };
  it.each<[string, Json]>([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j', (pointer, value) => {
    expect(evaluatePointer(document, pointer)).toEqual(value);
  });
  it.each([
    '/nothing',
    '/foo/2',
    '/foo/-',
    '/foo/00',
    '/foo/length',
    '/foo/0/0',
    '/constructor',
    '/__proto__',
  ])('%j finds nothing', (pointer) => {
    expect(evaluatePointer(document, pointer)).toBeUndefined();
  });
  it('reads ~01 as ~1, not as a slash', () => {
    expect(evaluatePointer({ '~1': 'x', '/': 'y' }, '/~01')).toBe('x');
  });
});

describe('resolving', () => {
  const results = new Map<string, Json>([
    ['a', { list: [{ n: 1 }], nothing: null }],
    ['empty', null],
  ]);
  it('puts the parts in their places and leaves the rest', () => {
    const value = { x: [{ $ref: 'a', pointer: '/list/0/n' }, 'y'], whole: { $ref: 'empty' }, z: null };
    expect(resolve(value, results)).toEqual({ x: [1, 'y'], whole: null, z: null });
  });
  it('takes null for a value', () => {
    expect(resolve({ $ref: 'a', pointer: '/nothing' }, results)).toBeNull();
  });
  it('keeps a field named __proto__ a field', () => {
    const resolved = resolve(JSON.parse('{"__proto__": {"$ref": "a", "pointer": "/list"}}') as Json, results);
    expect(Object.keys(resolved as object)).toEqual(['__proto__']);
  });
  it.each([
    [{ $ref: 'a', pointer: '/list/1' }, 'nothing_there'],
    [{ $ref: 'b' }, 'no_result'],
  ] as const)('%j can not be resolved: %s', (value, kind) => {
    expect(() => resolve({ x: value }, results)).toThrow(UnresolvedReference);
    expect(() => resolve({ x: value }, results)).toThrow(expect.objectContaining({ kind }));
  });
});
