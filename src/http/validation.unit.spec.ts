import { describe, expect, it } from '@jest/globals';
import { Submission } from '#contracts';
import { MAX_DEPTH, parseJson } from './json-body.js';
import { InvalidRequest, problemOf } from './problem.js';
import { checkOf, isDateTime } from './validation.js';

const check = checkOf(Submission);

describe('a submission', () => {
  it.each<[string, unknown, { field: string; expected?: RegExp; came?: RegExp }]>([
    ['of another kind', 'hello', { field: '', expected: /object/, came: /"hello"/ }],
    ['that is null', null, { field: '', expected: /object/, came: /null/ }],
    ['that is missing', undefined, { field: '', expected: /object/, came: /nothing/ }],
    ['with neither input nor plan', {}, { field: '', expected: /exactly one of input, plan/, came: /none/ }],
    [
      'with both',
      { input: 'a', plan: { steps: [{ id: 'a', tool: 't' }] } },
      { field: '', expected: /exactly one/, came: /input and plan/ },
    ],
    [
      'with an unknown field',
      { input: 'a', inptu: 'b' },
      { field: '/inptu', expected: /one of input, plan/, came: /unknown field/ },
    ],
    ['with an empty input', { input: '' }, { field: '/input', expected: /at least 1 character/ }],
    ['with a plan without steps', { plan: {} }, { field: '/plan/steps', expected: /there/, came: /nothing/ }],
    ['with an empty plan', { plan: { steps: [] } }, { field: '/plan/steps', expected: /at least 1/ }],
    ['with a step without a tool', { plan: { steps: [{ id: 'a' }] } }, { field: '/plan/steps/0/tool' }],
    [
      'with a step id of odd letters',
      { plan: { steps: [{ id: 'a b', tool: 't' }] } },
      { field: '/plan/steps/0/id', expected: /matches/ },
    ],
    [
      'with a policy that is none',
      { plan: { steps: [{ id: 'a', tool: 't', on_compensation_failure: 'cry' }] } },
      { field: '/plan/steps/0/on_compensation_failure', expected: /"park", "skip", "retry"/, came: /"cry"/ },
    ],
    [
      'with metadata that is not flat',
      { input: 'a', metadata: { a: { b: 1 } } },
      { field: '/metadata/a', expected: /string/ },
    ],
    [
      'with metadata under a key with a line break',
      { input: 'a', metadata: { 'a\nb': 1 } },
      { field: '/metadata/a\nb', expected: /string/ },
    ],
    [
      'with a deadline in words',
      { input: 'a', deadline: 'tomorrow' },
      { field: '/deadline', expected: /RFC 3339/, came: /tomorrow/ },
    ],
    [
      'with a deadline on a day that is none',
      { input: 'a', deadline: '2026-02-31T00:00:00Z' },
      { field: '/deadline' },
    ],
    [
      'with a limit of zero',
      { input: 'a', limits: { steps: 0 } },
      { field: '/limits/steps', expected: />= 1/, came: /0/ },
    ],
    [
      'with a fractional limit',
      { input: 'a', limits: { steps: 1.5 } },
      { field: '/limits/steps', expected: /integer/ },
    ],
    [
      'with saga as text',
      { input: 'a', saga: 'yes' },
      { field: '/saga', expected: /boolean/, came: /"yes"/ },
    ],
  ])('%s is refused, by its field', (_what, body, wanted) => {
    const [problem, ...others] = check(body) ?? [];
    expect(others).toEqual([]);
    expect(problem?.field).toBe(wanted.field);
    if (wanted.expected) expect(problem?.expected).toMatch(wanted.expected);
    if (wanted.came) expect(problem?.came).toMatch(wanted.came);
  });

  it.each<[string, unknown]>([
    ['an input', { input: 'a' }],
    [
      'a plan',
      {
        plan: { steps: [{ id: 'a', tool: 't', parameters: { any: [1, { x: null }] }, after: [] }] },
        saga: true,
      },
    ],
    [
      'everything',
      {
        input: 'a',
        brain: 'openai',
        model: 'm',
        instructions: '',
        tools: [],
        metadata: { k: 'v' },
        deadline: '2026-01-27T10:00:00+02:00',
        limits: { steps: 1, tool_calls: 1, tokens: 1 },
      },
    ],
  ])('with %s is taken', (_what, body) => {
    expect(check(body)).toBeUndefined();
  });

  it('with ten thousand faults is answered shortly', () => {
    const steps = Array.from({ length: 10_000 }, () => ({}));
    expect(check({ plan: { steps } })?.length).toBeLessThanOrEqual(20);
  });
});

describe('JSON', () => {
  const refusal = (bytes: Buffer): string => {
    try {
      parseJson(bytes);
    } catch (error) {
      if (error instanceof InvalidRequest) return JSON.stringify(problemOf(error).fields);
    }
    return 'taken';
  };

  it.each<[string, Buffer, RegExp]>([
    ['that is broken', Buffer.from('{"a":'), /JSON/],
    ['that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
    ['with a __proto__', Buffer.from('{"a":{"__proto__":{"admin":true}}}'), /__proto__/],
    ['with a hidden __proto__', Buffer.from('{"\\u005f_proto__":1}'), /__proto__/],
    ['nested without end', Buffer.from('['.repeat(200_000) + ']'.repeat(200_000)), /deeper/],
  ])('%s is refused', (_what, bytes, reason) => {
    expect(refusal(bytes)).toMatch(reason);
  });

  it('is taken up to the deepest level that is promised', () => {
    expect(refusal(Buffer.from('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)))).toBe('taken');
    expect(refusal(Buffer.from('['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1)))).not.toBe('taken');
  });
});

describe('a time', () => {
  it.each(['2026-01-27T10:00:00Z', '2026-01-27T10:00:00.123456+05:30', '2024-02-29T00:00:00z'])(
    '%s is one',
    (text) => {
      expect(isDateTime(text)).toBe(true);
    },
  );
  it.each([
    '2026-01-27',
    '2026-01-27T10:00:00',
    '2026-13-01T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-01-27T25:00:00Z',
    '2016-12-31T23:59:60Z',
    '',
  ])('%j is none', (text) => {
    expect(isDateTime(text)).toBe(false);
  });
});
