import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  registerDecorator,
  ValidateNested,
} from 'class-validator';
import type { JsonObject } from '#contracts';
import { dtoSchema } from './dto.schema.js';
import { registeredExternal, registeredTool } from './registered.tool.js';
import type { ToolDefinition, ToolOptions } from './tool.definition.js';
import { ToolRegistry } from './tool.registry.js';

const plain = (more: Partial<ToolDefinition> = {}): ToolDefinition => ({
  name: 't',
  description: 'a tool',
  parameters: { type: 'object' },
  effect: 'pure',
  run: () => 1,
  ...more,
});
const registry = (...tools: ToolDefinition[]): ToolRegistry => {
  const made = new ToolRegistry();
  tools.forEach((tool, index) => made.add(registeredTool(tool, `file ${String(index)}`)));
  return made;
};

class Leg {
  @IsString()
  @MaxLength(3)
  from!: string;
}
const Even = () => (target: object, propertyName: string) => {
  registerDecorator({
    name: 'even',
    target: target.constructor,
    propertyName,
    validator: { validate: (n) => Number(n) % 2 === 0, defaultMessage: () => 'n must be even' },
  });
};
class Journey {
  @IsEmail()
  email!: string;
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(9)
  seats?: number;
  @IsIn(['economy', 'first'])
  class!: string;
  @Matches(/^[A-Z]+$/)
  code!: string;
  @ValidateNested({ each: true })
  @Type(() => Leg)
  @ArrayMaxSize(2)
  legs!: Leg[];
}
class WithCustom {
  @IsNumber()
  @Even()
  n!: number;
}

describe('approval', () => {
  const parameters = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] };
  const asks = (approval: ToolOptions['approval'], amount: unknown = 5) =>
    registry(plain({ parameters, approval })).needsApproval('t', {
      amount,
    } as JsonObject);
  const told = (approval: ToolOptions['approval']) => registeredTool(plain({ approval }), 'x').spec.approval;

  it('is needed as the tool says, and only a clear no lets a call run', () => {
    const by = (approval: (parameters: { amount: number }) => unknown) =>
      approval as unknown as ToolOptions['approval'];
    expect([asks(undefined), asks('never'), asks('always')]).toEqual([false, false, true]);
    expect([
      asks(by(({ amount }) => amount > 9)),
      asks(by(({ amount }) => amount > 3)),
      asks(by(() => undefined)),
      asks(by(() => Promise.resolve(false))),
      asks(
        by(() => {
          throw new Error('no');
        }),
      ),
    ]).toEqual([false, true, true, true, true]);
    expect([told(undefined), told('never'), told('always'), told(by(() => false))]).toEqual([
      undefined,
      undefined,
      'always',
      'by_parameters',
    ]);
  });

  it('is not asked for a call that its tool would refuse', () => {
    expect(asks('always', 'much')).toBe(false);
  });

  it('of a tool of others is what its declaration says', () => {
    const external = (approval?: 'always' | 'never') =>
      registeredExternal(
        { name: 't', description: '', parameters: {}, effect: 'pure', ...(approval ? { approval } : {}) },
        'x',
      );
    expect(external('always')).toMatchObject({ spec: { approval: 'always' } });
    expect(external('always').needsApproval({})).toBe(true);
    expect([external('never').needsApproval({}), external().needsApproval({})]).toEqual([false, false]);
  });
});

describe('a DTO', () => {
  it('is told as a JSON Schema', () => {
    expect(dtoSchema(Journey)).toEqual({
      complete: true,
      schema: {
        type: 'object',
        additionalProperties: false,
        required: ['email', 'class', 'code', 'legs'],
        properties: {
          email: { type: 'string', format: 'email' },
          seats: { type: ['integer', 'null'], minimum: 1, maximum: 9 },
          class: { enum: ['economy', 'first'] },
          code: { type: 'string', pattern: '^[A-Z]+$' },
          legs: {
            type: 'array',
            maxItems: 2,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['from'],
              properties: { from: { type: 'string', maxLength: 3 } },
            },
          },
        },
      },
    });
  });

  it('checks, names each field, and gives the tool an instance', () => {
    const seen: unknown[] = [];
    const tool = registeredTool(
      plain({ parameters: Journey, run: (parameters: Journey) => seen.push(parameters) }),
      'x',
    );
    const good = { email: 'a@b.example', class: 'first', code: 'X', legs: [{ from: 'CTU' }] };
    expect(tool.check.violations(good)).toBeUndefined();
    expect(
      tool.check.violations({ email: 'no', class: 'third', seats: 0, legs: [{ from: 'LONG' }], more: 1 }),
    ).toEqual(
      expect.arrayContaining([
        'code: expected a value, got nothing',
        'more: expected no such field',
        'email: expected the format email, got "no"',
        'class: expected one of "economy", "first", got "third"',
        'seats: expected: it must be >= 1, got 0',
        'legs[0].from: expected: it must NOT have more than 3 characters, got "LONG"',
      ]),
    );
    tool.run(good, {} as never);
    expect(seen[0]).toBeInstanceOf(Journey);
    expect((seen[0] as Journey).legs[0]).toBeInstanceOf(Leg);
  });

  it('with a validator of its own is asked as well', () => {
    const tool = registeredTool(plain({ parameters: WithCustom }), 'x');
    expect(tool.check.violations({ n: 2 })).toBeUndefined();
    expect(tool.check.violations({ n: 3 })).toEqual(['n: expected: n must be even, got 3']);
  });
});

describe('a tool is refused at start', () => {
  it.each<[string, Partial<Record<keyof ToolDefinition, unknown>>, RegExp]>([
    [
      'a name with a blank',
      { name: 'two words' },
      /name: expected 1 to 64 letters, digits, _ or -, got "two words"/,
    ],
    ['no description', { description: undefined }, /tool t: description: expected text, got undefined/],
    ['no run', { run: undefined }, /run: expected a function/],
    [
      'an effect that is none',
      { effect: 'harmless' },
      /effect: expected one of pure, idempotent, compensatable, irreversible, a function, or annotations .* got "harmless"/,
    ],
    [
      'parameters that are no schema',
      { parameters: { type: 'object', properties: { a: { type: 'text' } } } },
      /parameters: expected a JSON Schema of type object/,
    ],
    ['parameters of another type', { parameters: { type: 'array' } }, /its type is "array", not "object"/],
    ['no parameters', { parameters: undefined }, /parameters: expected a JSON Schema/],
    ['a timeout of nothing', { timeoutMs: 0 }, /timeoutMs: expected a number above 0, got 0/],
    ['no time to be silent', { idleTimeoutMs: 0 }, /idleTimeoutMs: expected a number above 0, got 0/],
    ['no time to wait', { queueTtlMs: '5s' }, /queueTtlMs: expected a number above 0, got "5s"/],
    ['a broken concurrency', { concurrency: 1.5 }, /concurrency: expected a whole number above 0, got 1.5/],
    [
      'no attempts',
      { retry: { maxAttempts: 0 } },
      /retry.maxAttempts: expected a whole number above 0, got 0/,
    ],
    [
      'an approval',
      { approval: 'often' },
      /approval: expected 'always', 'never' or a function .* got "often"/,
    ],
  ])('%s', (_name, more, message) => {
    expect(() => registeredTool({ ...plain(), ...more } as ToolDefinition, 'file')).toThrow(message);
  });

  it('when its name is taken, and both places are told', () => {
    expect(() => registry(plain(), plain())).toThrow(/^file 1: the tool name t is taken already, by file 0/);
  });

  it('when its compensation is no tool', () => {
    const made = registry(plain({ effect: 'compensatable', compensation: 'undo' }));
    expect(() => made.seal()).toThrow(/names the compensation undo, which is no tool; add it with @Tool/);
  });
});

describe('the catalogue', () => {
  it('warns of a compensation that is not idempotent', () => {
    const made = registry(
      plain({ effect: 'compensatable', compensation: 'undo' }),
      plain({ name: 'undo', effect: 'irreversible' }),
    );
    expect(made.seal()).toEqual([expect.stringContaining('undo, the compensation of t, is irreversible')]);
  });

  it('gives defaults', () => {
    expect(registry(plain()).get('t')).toEqual({
      name: 't',
      description: 'a tool',
      parameters: { type: 'object' },
      effect: 'pure',
      timeoutMs: 30_000,
      retry: { maxAttempts: 5, initialMs: 200, factor: 2, maxMs: 10_000 },
      servedBy: 'dispatcher',
    });
    const tool = registeredTool(plain({ retry: { initialMs: 7 } }), 'x');
    expect(tool.retryFor(false)).toMatchObject({ maxAttempts: 5, initialMs: 7 });
    expect(tool.retryFor(true)).toMatchObject({ maxAttempts: 10, initialMs: 7 });
  });

  it('asks the effect of the parameters, and reads what it can not tell the cautious way', () => {
    const made = registry(
      plain({ effect: (p: { safe?: boolean }) => (p.safe === true ? 'pure' : ('?' as never)) }),
      plain({
        name: 'u',
        effect: () => {
          throw new Error('no');
        },
      }),
    );
    expect(made.get('t')?.effect).toBe('by_parameters');
    expect(made.effectOf('t', { safe: true })).toBe('pure');
    expect(made.effectOf('t', {})).toBe('irreversible');
    expect(made.effectOf('u', {})).toBe('irreversible');
    expect(made.effectOf('nowhere', {})).toBe('irreversible');
    expect(made.violations('nowhere', {})).toHaveLength(1);
  });

  it('holds the tools of others', () => {
    const made = new ToolRegistry();
    made.add(
      registeredExternal(
        { name: 'theirs', description: 'd', parameters: {}, effect: 'pure', timeoutMs: 5 },
        'file',
      ),
    );
    expect(made.list()).toMatchObject([
      { name: 'theirs', servedBy: 'external', timeoutMs: 5, parameters: { type: 'object' } },
    ]);
  });
});

describe('hints of the Model Context Protocol', () => {
  const cases = [
    [{ readOnlyHint: true }, 'pure'],
    [{ idempotentHint: true }, 'idempotent'],
    [{ readOnlyHint: false, idempotentHint: true, destructiveHint: true }, 'idempotent'],
    [{ destructiveHint: false }, 'irreversible'],
    [{}, 'irreversible'],
  ] as const;
  it.each(cases)('%j mean %s where no effect is given', (annotations, effect) => {
    const { effect: _, ...rest } = plain();
    const made = registeredTool({ ...rest, annotations }, 'file');
    expect([made.spec.effect, made.effectOf({})]).toEqual([effect, effect]);
    const external = { name: 'theirs', description: '', parameters: {}, annotations };
    expect(registeredExternal(external, 'file').spec.effect).toBe(effect);
  });
  it('make a tool compensatable that another one undoes', () => {
    const { effect: _, ...rest } = plain();
    const made = registeredTool({ ...rest, annotations: {}, compensation: 'undo' }, 'file');
    expect(made.spec.effect).toBe('compensatable');
  });
  it('count less than the effect that a tool declares', () => {
    const made = registeredTool(
      { ...plain(), effect: 'irreversible', annotations: { readOnlyHint: true } },
      'f',
    );
    expect(made.spec.effect).toBe('irreversible');
  });
});
