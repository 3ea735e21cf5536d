import { type Static, Type } from '@sinclair/typebox';
import type { JsonObject, JsonSchema } from './json.js';

/**
 * What running a tool twice means.
 * - `pure`: nothing; it may run any number of times, and without a claim.
 * - `idempotent`: nothing more than once, as long as it is given the same idempotency key.
 * - `compensatable`: a second effect, but another tool undoes one.
 * - `irreversible`: a second effect that nothing undoes.
 */
export const EFFECT_CLASSES = ['pure', 'idempotent', 'compensatable', 'irreversible'] as const;
export type EffectClass = (typeof EFFECT_CLASSES)[number];

/** `pure` and `idempotent` may be repeated whatever became of an earlier run; the others are never repeated blindly. */
export const repeatable = (effect: EffectClass): boolean => effect === 'pure' || effect === 'idempotent';

/** Attempts that fail are repeated after `initialMs × factor^(n-1)`, at most `maxMs`, with jitter of ±50 %. */
export interface RetryPolicy {
  /** the first run included */
  maxAttempts: number;
  initialMs: number;
  factor: number;
  maxMs: number;
}
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5, initialMs: 200, factor: 2, maxMs: 10_000 };
/** A compensation tries harder: giving up on one needs a person. */
export const COMPENSATION_RETRY: RetryPolicy = { ...DEFAULT_RETRY, maxAttempts: 10 };
export const DEFAULT_TIMEOUT_MS = 30_000;

/** What the Commander, the brain and `GET /v1/tools` know of a tool. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of `parameters`, always of type object */
  parameters: JsonSchema;
  /** `by_parameters`: the tool has a function that tells; ask {@link ToolCatalogue.effectOf} */
  effect: EffectClass | 'by_parameters';
  /** the tool that undoes it */
  compensation?: string;
  timeoutMs: number;
  /** a run that sends no heartbeat for so long is aborted; absent: only `timeoutMs` ends it */
  idleTimeoutMs?: number;
  /** an intent that nobody has begun so long after its emission isn't run any more; absent: it waits for ever */
  queueTtlMs?: number;
  retry: RetryPolicy;
  /** at most so many at once, in all processes together; absent: only each process's bound */
  concurrency?: number;
  /** `external`: served by a program of others, declared with DORMOUSE_EXTERNAL_TOOLS */
  servedBy: 'dispatcher' | 'external';
  /** whether its calls are held for a person; `by_parameters`: ask {@link ToolCatalogue.needsApproval} */
  approval?: 'always' | 'by_parameters';
  /** its run lasts as long as a durable timer (`wait`): it has no timeout of its own */
  timer?: boolean;
}

/**
 * The tools that a session may use. Filled at start from the registered tools and the external ones.
 * A port: the dispatcher's registry implements it, Commander and API read it.
 */
export abstract class ToolCatalogue {
  abstract list(): readonly ToolSpec[];
  abstract get(name: string): ToolSpec | undefined;
  /** The effect class of one call. An unknown tool is `irreversible`: the cautious reading. */
  abstract effectOf(name: string, parameters: JsonObject): EffectClass;
  /** Undefined when `parameters` fit the tool's schema, else one sentence per field that doesn't. */
  abstract violations(name: string, parameters: unknown): string[] | undefined;

  /**
   * Whether a call is held until a person approves it. One that doesn't fit its tool's schema isn't: nobody runs it. Of a
   * tool that isn't in the catalogue its dispatcher says so, and doesn't run it.
   */
  abstract needsApproval(name: string, parameters: JsonObject): boolean;

  /** Of a timer tool: how long after its emission an intent is due, ms; undefined for every other. */
  timerMs(_name: string, _parameters: JsonObject): number | undefined {
    return undefined;
  }
}

/** What a tool of the Model Context Protocol says about itself (specification 2025-06-18, ToolAnnotations). */
export const ToolHints = Type.Object({
  readOnlyHint: Type.Optional(Type.Boolean()),
  /** default true there */
  destructiveHint: Type.Optional(Type.Boolean()),
  /** default false there */
  idempotentHint: Type.Optional(Type.Boolean()),
});
export type ToolHints = Static<typeof ToolHints>;

/**
 * The effect class that such hints amount to. A hint that is missing is read the cautious way, and `destructiveHint:
 * false` alone gives no right to run a tool twice: adding something twice destroys nothing.
 *
 * @param compensation the tool that undoes it, if there is one
 */
export const effectOfHints = (hints: ToolHints, compensation?: string): EffectClass => {
  if (hints.readOnlyHint === true) return 'pure';
  if (hints.idempotentHint === true) return 'idempotent';
  return compensation === undefined ? 'irreversible' : 'compensatable';
};

/** One entry of the file that DORMOUSE_EXTERNAL_TOOLS names. `effect`, or the hints that it follows from. */
export const ExternalTool = Type.Object(
  {
    name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' }),
    description: Type.String(),
    parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the parameters' }),
    effect: Type.Optional(Type.Union(EFFECT_CLASSES.map((c) => Type.Literal(c)))),
    annotations: Type.Optional(ToolHints),
    compensation: Type.Optional(Type.String()),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1 })),
    approval: Type.Optional(Type.Union([Type.Literal('always'), Type.Literal('never')])),
  },
  { additionalProperties: false },
);
export type ExternalTool = Static<typeof ExternalTool>;
