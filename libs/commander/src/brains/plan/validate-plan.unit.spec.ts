import { describe, expect, it } from '@jest/globals';
import type { Plan } from '#contracts';
import { NamedTools } from '#testing';
import { validatePlan } from './validate-plan.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent' },
  { name: 'pay', effect: 'irreversible' },
  {
    name: 'strict',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    },
  },
]);

const check = (steps: Plan['steps'], rules = { saga: false }) => validatePlan({ steps }, tools, rules);
const fields = (steps: Plan['steps']) => check(steps).problems.map((p) => p.field);
const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = { in: value };
  return value;
};

describe('a plan that is right', () => {
  const right: [string, Plan['steps']][] = [
    ['one step', [{ id: 'a', tool: 'look' }]],
    [
      'a chain by place',
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look' },
      ],
    ],
    [
      'two roots',
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look', after: [] },
      ],
    ],
    [
      'a step that names a later one',
      [
        { id: 'a', tool: 'look', after: ['b'] },
        { id: 'b', tool: 'look', after: [] },
      ],
    ],
    [
      'the same step twice in after',
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look', after: ['a', 'a'] },
      ],
    ],
    [
      'a reference to the step before',
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look', parameters: { x: { $ref: 'a', pointer: '/y' } } },
      ],
    ],
    [
      'a reference far back, deep in the parameters',
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look' },
        { id: 'c', tool: 'look' },
        { id: 'd', tool: 'strict', parameters: { city: [{ 'x/y': { $ref: 'a' } }] } },
      ],
    ],
    [
      'a compensation that refers to its own step',
      [{ id: 'a', tool: 'look', compensation: { tool: 'unbook', parameters: { b: { $ref: 'a' } } } }],
    ],
    ['parameters that fit', [{ id: 'a', tool: 'strict', parameters: { city: 'Chengdu' } }]],
    [
      'names that objects have',
      [
        { id: '__proto__', tool: 'look' },
        { id: 'constructor', tool: 'look' },
      ],
    ],
    ['parameters as deep as allowed', [{ id: 'a', tool: 'look', parameters: { p: nested(98) } }]],
  ];
  it.each(right)('%s', (_, steps) => {
    expect(check(steps).problems).toEqual([]);
  });
});

describe('a plan that is wrong is told where', () => {
  const a = { id: 'a', tool: 'look' };
  const wrong: [string, string[], Plan['steps']][] = [
    ['an id twice', ['/steps/1/id'], [a, a]],
    ['an unknown step in after', ['/steps/0/after/0'], [{ ...a, after: ['z'] }]],
    ['a step after itself', ['/steps/0/after'], [{ ...a, after: ['a'] }]],
    [
      'a cycle of three behind a root',
      ['/steps/1/after'],
      [
        a,
        { id: 'b', tool: 'look', after: ['a', 'd'] },
        { id: 'c', tool: 'look', after: ['b'] },
        { id: 'd', tool: 'look', after: ['c'] },
      ],
    ],
    ['an unknown tool', ['/steps/0/tool'], [{ id: 'a', tool: 'nope' }]],
    [
      'an unknown tool in a compensation',
      ['/steps/0/compensation/tool'],
      [{ ...a, compensation: { tool: 'nope' } }],
    ],
    [
      'a reference to an unknown step',
      ['/steps/0/parameters/x/$ref'],
      [{ ...a, parameters: { x: { $ref: 'z' } } }],
    ],
    ['a reference to itself', ['/steps/0/parameters/x/$ref'], [{ ...a, parameters: { x: { $ref: 'a' } } }]],
    [
      'a reference to a sibling',
      ['/steps/1/parameters/x/0/$ref'],
      [a, { id: 'b', tool: 'look', after: [], parameters: { x: [{ $ref: 'a' }] } }],
    ],
    [
      'a reference to a later step',
      ['/steps/0/parameters/x~1y~0z/$ref'],
      [
        { ...a, parameters: { 'x/y~z': { $ref: 'b' } } },
        { id: 'b', tool: 'look' },
      ],
    ],
    [
      'a compensation that refers to a later step',
      ['/steps/0/compensation/parameters/x/$ref'],
      [
        { ...a, compensation: { tool: 'unbook', parameters: { x: { $ref: 'b' } } } },
        { id: 'b', tool: 'look' },
      ],
    ],
    [
      'a field beside $ref',
      ['/steps/1/parameters/x'],
      [a, { id: 'b', tool: 'look', parameters: { x: { $ref: 'a', y: 1 } } }],
    ],
    [
      'a $ref that is no text',
      ['/steps/1/parameters/x'],
      [a, { id: 'b', tool: 'look', parameters: { x: { $ref: 1 } } }],
    ],
    [
      'a pointer without a slash',
      ['/steps/1/parameters/x'],
      [a, { id: 'b', tool: 'look', parameters: { x: { $ref: 'a', pointer: 'y' } } }],
    ],
    [
      'a pointer with a bare tilde',
      ['/steps/1/parameters/x'],
      [a, { id: 'b', tool: 'look', parameters: { x: { $ref: 'a', pointer: '/~2' } } }],
    ],
    [
      'parameters that do not fit',
      ['/steps/0/parameters'],
      [{ id: 'a', tool: 'strict', parameters: { town: 'x' } }],
    ],
    [
      'parameters of a compensation that do not fit',
      ['/steps/0/compensation/parameters'],
      [{ ...a, compensation: { tool: 'strict', parameters: {} } }],
    ],
    ['parameters too deep', ['/steps/0/parameters'], [{ ...a, parameters: { p: nested(100_000) } }]],
  ];
  it.each(wrong)('%s', (_, where, steps) => {
    expect(fields(steps)).toEqual(where);
  });

  it('tells the whole cycle', () => {
    const { problems } = check([
      { id: 'b', tool: 'look', after: ['d'] },
      { id: 'c', tool: 'look', after: ['b'] },
      { id: 'd', tool: 'look', after: ['c'] },
    ]);
    expect(problems).toEqual([expect.objectContaining({ came: 'a cycle: b → c → d → b' })]);
  });

  it('names every problem, and what was expected', () => {
    const { problems } = check([
      { id: 'a', tool: 'nope' },
      { id: 'b', tool: 'strict', parameters: {} },
    ]);
    expect(problems).toEqual([
      { field: '/steps/0/tool', expected: expect.stringContaining('tool'), came: '"nope"' },
      { field: '/steps/1/parameters', expected: expect.stringContaining('city'), came: '{}' },
    ]);
  });

  it("holds a plan to its session's tools", () => {
    const { problems } = validatePlan({ steps: [{ id: 'a', tool: 'look' }] }, tools, {
      saga: false,
      tools: ['pay'],
    });
    expect(problems).toEqual([
      { field: '/steps/0/tool', expected: expect.stringContaining('pay'), came: '"look"' },
    ]);
  });
});

describe('warnings', () => {
  const steps = [
    { id: 'pay', tool: 'pay' },
    { id: 'rest', tool: 'look' },
    { id: 'room', tool: 'book' },
  ];
  it('name a step that can be undone behind one that can not', () => {
    expect(check(steps, { saga: true }).warnings).toEqual([expect.stringMatching(/"room".*"pay"/)]);
  });
  it.each([
    ['without a saga', steps, false],
    ['the other way round', [steps[2]!, steps[0]!], true],
    ['side by side', [steps[0]!, { ...steps[2]!, after: [] }], true],
  ])('none %s', (_, plan, saga) => {
    expect(check(plan, { saga }).warnings).toEqual([]);
  });
});

describe('a plan of the largest size', () => {
  it('is checked without growing beyond its square', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => ({
      id: `s${i}`,
      tool: 'look',
      ...(i < 2 ? {} : { parameters: { first: { $ref: 's0' }, before: { $ref: `s${i - 2}` } } }),
    }));
    expect(check(steps).problems).toEqual([]);
  });
});
