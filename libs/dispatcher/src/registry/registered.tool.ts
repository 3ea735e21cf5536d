import {
  COMPENSATION_RETRY,
  DEFAULT_RETRY,
  DEFAULT_TIMEOUT_MS,
  DormouseError,
  EFFECT_CLASSES,
  type EffectClass,
  effectOfHints,
  type ExternalTool,
  type JsonObject,
  type RetryPolicy,
  type ToolSpec,
} from '#contracts';
import { type ParameterCheck, parameterCheck } from './parameter.check.js';
import { shown } from './shown.js';
import type { ProbeAnswer, ToolContext, ToolDefinition } from './tool.definition.js';

/** A tool as the executor calls it: everything about it is checked and has its default. */
export interface RegisteredTool {
  spec: ToolSpec;
  /** for the messages of start-up errors: a file, a class and method */
  from: string;
  check: ParameterCheck;
  effectOf(parameters: JsonObject): EffectClass;
  /** whether a person has to approve a call */
  needsApproval(parameters: JsonObject): boolean;
  /** when the intent undoes another, and the tool said nothing itself, it tries harder */
  retryFor(compensates: boolean): RetryPolicy;
  run(parameters: JsonObject, context: ToolContext): unknown;
  probe?(parameters: JsonObject, context: ToolContext): ProbeAnswer | Promise<ProbeAnswer>;
  /** of a timer tool: ms from the intent's emission to its result */
  timerMs?(parameters: JsonObject): number;
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** A start-up error about one tool. */
export const toolInvalid = (from: string, what: string, cause?: unknown): DormouseError =>
  new DormouseError('tool_invalid', `${from}: ${what}`, cause === undefined ? {} : { cause });

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const positive = (from: string, name: string, value: unknown, whole: boolean): void => {
  if (value === undefined) return;
  if (
    typeof value !== 'number' ||
    !(value > 0) ||
    !Number.isFinite(value) ||
    (whole && !Number.isInteger(value))
  )
    throw toolInvalid(
      from,
      `${name}: expected a ${whole ? 'whole ' : ''}number above 0, got ${shown(value)}`,
    );
};

const checkFields = (tool: ToolDefinition, from: string): void => {
  if (typeof tool.name !== 'string' || !NAME.test(tool.name))
    throw toolInvalid(from, `name: expected 1 to 64 letters, digits, _ or -, got ${shown(tool.name)}`);
  const of = `${from}, tool ${tool.name}`;
  if (typeof tool.description !== 'string')
    throw toolInvalid(of, `description: expected text, got ${shown(tool.description)}`);
  if (typeof tool.run !== 'function')
    throw toolInvalid(of, `run: expected a function, got ${shown(tool.run)}`);
  const hinted = tool.effect === undefined && typeof tool.annotations === 'object';
  if (
    !hinted &&
    typeof tool.effect !== 'function' &&
    !(EFFECT_CLASSES as readonly unknown[]).includes(tool.effect)
  )
    throw toolInvalid(
      of,
      `effect: expected one of ${EFFECT_CLASSES.join(', ')}, a function, or annotations that it follows from; got ${shown(tool.effect)}`,
    );
  if (
    ![undefined, 'always', 'never'].includes(tool.approval as string) &&
    typeof tool.approval !== 'function'
  )
    throw toolInvalid(
      of,
      `approval: expected 'always', 'never' or a function of the parameters, got ${shown(tool.approval)}`,
    );
  if (tool.probe !== undefined && typeof tool.probe !== 'function')
    throw toolInvalid(of, `probe: expected a function, got ${shown(tool.probe)}`);
  positive(of, 'timeoutMs', tool.timeoutMs, false);
  positive(of, 'idleTimeoutMs', tool.idleTimeoutMs, false);
  positive(of, 'queueTtlMs', tool.queueTtlMs, false);
  positive(of, 'concurrency', tool.concurrency, true);
  positive(of, 'retry.maxAttempts', tool.retry?.maxAttempts, true);
  positive(of, 'retry.initialMs', tool.retry?.initialMs, false);
  positive(of, 'retry.factor', tool.retry?.factor, false);
  positive(of, 'retry.maxMs', tool.retry?.maxMs, false);
};

/** As the catalogue tells it; absent: nobody is asked. */
const approvalSpec = ({ approval }: Pick<ToolDefinition, 'approval'>): Pick<ToolSpec, 'approval'> =>
  approval === undefined || approval === 'never'
    ? {}
    : { approval: approval === 'always' ? approval : 'by_parameters' };

const checkedParameters = (parameters: unknown, from: string): ParameterCheck => {
  const isSchema = typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters);
  if (!isSchema && typeof parameters !== 'function')
    throw toolInvalid(
      from,
      `parameters: expected a JSON Schema of type object or a DTO class, got ${shown(parameters)}`,
    );
  try {
    return parameterCheck(parameters as ToolDefinition['parameters']);
  } catch (error) {
    throw toolInvalid(from, `parameters: expected a JSON Schema of type object; ${text(error)}`, error);
  }
};

/**
 * Checks a tool and gives it its defaults.
 *
 * Errors: {@link DormouseError} `tool_invalid`, which names `from`, the field, what was expected and what came.
 */
export const registeredTool = (definition: ToolDefinition, from: string): RegisteredTool => {
  checkFields(definition, from);
  // what a tool is given fits its own schema, which is what its parameter type stands for
  const tool = definition as unknown as ToolDefinition<unknown>;
  const check = checkedParameters(tool.parameters, `${from}, tool ${tool.name}`);
  const { probe, timer } = tool;
  const effect = tool.effect ?? effectOfHints(tool.annotations ?? {}, tool.compensation);
  const retry: RetryPolicy = { ...DEFAULT_RETRY, ...tool.retry };
  const retryOfCompensation: RetryPolicy = { ...COMPENSATION_RETRY, ...tool.retry };
  return {
    from,
    check,
    spec: {
      name: tool.name,
      description: tool.description,
      parameters: check.schema,
      effect: typeof effect === 'function' ? 'by_parameters' : effect,
      ...(tool.compensation === undefined ? {} : { compensation: tool.compensation }),
      timeoutMs: tool.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(tool.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: tool.idleTimeoutMs }),
      ...(tool.queueTtlMs === undefined ? {} : { queueTtlMs: tool.queueTtlMs }),
      retry,
      ...(tool.concurrency === undefined ? {} : { concurrency: tool.concurrency }),
      ...approvalSpec(tool),
      servedBy: 'dispatcher',
      ...(timer === undefined ? {} : { timer: true }),
    },
    effectOf: (parameters) => {
      if (typeof effect !== 'function') return effect;
      // a wrong answer, or none, is read the cautious way, as an unknown tool is
      try {
        const told: unknown = effect(parameters);
        return (EFFECT_CLASSES as readonly unknown[]).includes(told) ? (told as EffectClass) : 'irreversible';
      } catch {
        return 'irreversible';
      }
    },
    needsApproval: (parameters) => {
      const { approval } = tool;
      if (typeof approval !== 'function') return approval === 'always';
      // only a clear no lets it run without asking
      try {
        return (approval(parameters) as unknown) !== false;
      } catch {
        return true;
      }
    },
    retryFor: (compensates) => (compensates ? retryOfCompensation : retry),
    // a tool that declares a DTO is handed an instance of it
    run: (parameters, context) => tool.run(check.prepare(parameters), context),
    ...(probe === undefined
      ? {}
      : { probe: (parameters, context) => probe.call(tool, check.prepare(parameters), context) }),
    ...(timer === undefined ? {} : { timerMs: (parameters) => timer(parameters) }),
  };
};

/** A tool that programs of others serve: known to brains and checks, never run here. */
export const registeredExternal = (tool: ExternalTool, from: string): RegisteredTool => {
  const { effect = effectOfHints(tool.annotations ?? {}, tool.compensation) } = tool;
  return {
    from,
    check: checkedParameters(tool.parameters, `${from}, tool ${tool.name}`),
    spec: {
      name: tool.name,
      description: tool.description,
      parameters: { type: 'object', ...tool.parameters },
      effect,
      ...(tool.compensation === undefined ? {} : { compensation: tool.compensation }),
      timeoutMs: tool.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      retry: DEFAULT_RETRY,
      ...(tool.approval === 'always' ? { approval: tool.approval } : {}),
      servedBy: 'external',
    },
    effectOf: () => effect,
    needsApproval: () => tool.approval === 'always',
    retryFor: () => DEFAULT_RETRY,
    run: () => {
      throw new DormouseError('unknown_tool', `${tool.name} is served by a program of others`);
    },
  };
};
