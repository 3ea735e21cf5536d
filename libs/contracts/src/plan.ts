import { type Static, Type } from '@sinclair/typebox';

const closed = { additionalProperties: false } as const;
const Parameters = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'the tool\'s parameters; `{"$ref": step, "pointer": RFC 6901}` stands for a part of an earlier result',
});

export const ON_COMPENSATION_FAILURE = ['park', 'skip', 'retry'] as const;

export const PlanCompensation = Type.Object(
  { tool: Type.String({ minLength: 1 }), parameters: Type.Optional(Parameters) },
  { ...closed, title: 'PlanCompensation' },
);
export type PlanCompensation = Static<typeof PlanCompensation>;

export const PlanStep = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    tool: Type.String({ minLength: 1 }),
    parameters: Type.Optional(Parameters),
    after: Type.Optional(
      Type.Array(Type.String(), { description: 'ids that it follows; absent: the step above; []: a root' }),
    ),
    compensation: Type.Optional(PlanCompensation),
    on_compensation_failure: Type.Optional(Type.Union(ON_COMPENSATION_FAILURE.map((p) => Type.Literal(p)))),
    approval: Type.Optional(Type.Boolean({ description: 'hold the intent until a person answers' })),
  },
  { ...closed, title: 'PlanStep' },
);
export type PlanStep = Static<typeof PlanStep>;

/** A written brain: a graph of tool calls. */
export const Plan = Type.Object(
  { steps: Type.Array(PlanStep, { minItems: 1, maxItems: 10_000 }) },
  { ...closed, title: 'Plan' },
);
export type Plan = Static<typeof Plan>;
