import {
  type EffectClass,
  type JsonObject,
  NonRetryableError,
  RetryableError,
  UnknownOutcomeError,
} from '#contracts';
import {
  type RegisteredTool,
  registeredTool,
  type ToolContext,
  waitTool,
  type ToolDefinition,
} from '#dispatcher';
import type { Agenda } from '../world/agenda.js';
import type { Ledger, ToolRun } from '../world/ledger.js';
import type { Randomness } from '../world/randomness.js';
import { ASKING, isQuick } from './asking-tool.js';
import type { SimulatedProcess } from '../world/simulated-process.js';

/** How one attempt of a tool goes: written in the plan's parameters, so that a seed tells all of it. */
export interface Act {
  /** how long it takes */
  ms: number;
  ends: 'ok' | 'error' | 'retryable' | 'fatal' | 'unsure';
  /** when it has its effect; absent: it has none */
  does?: number;
  /** its effect is another machine's, which goes on whatever becomes of the process */
  remote?: boolean;
  /** it stops when it is told to */
  heeds?: boolean;
}

/** What a tool needs of where it runs. */
export interface Stage {
  agenda: Agenda;
  ledger: Ledger;
  process: SimulatedProcess;
  serverNow: () => number;
  random: Randomness;
}

const TIMEOUT_MS = 4_000;

const spec = (name: string, effect: EffectClass, more: Partial<ToolDefinition> = {}): RegisteredTool =>
  registeredTool(
    {
      name,
      description: `a tool of a simulation that is ${effect}`,
      parameters: { type: 'object' },
      effect,
      timeoutMs: TIMEOUT_MS,
      retry: { maxAttempts: 3, initialMs: 300, factor: 8, maxMs: 5_000 },
      run: () => null,
      ...more,
    },
    'simulator',
  );

/** Beside these a plan may use `wait`. */
const ACTING: readonly RegisteredTool[] = [
  spec('look', 'pure'),
  spec('put', 'idempotent'),
  spec('book', 'compensatable', { compensation: 'unbook' }),
  spec('mark', 'compensatable'),
  spec('unbook', 'idempotent'),
  spec('send', 'irreversible'),
  spec(ASKING, 'irreversible', { approval: (parameters: JsonObject) => !isQuick(parameters) }),
  spec('post', 'irreversible', { probe: () => ({ outcome: 'unknown' }) }),
];
const WAIT = registeredTool(waitTool, 'built in');

/** The tools that name a compensation and have something to be undone. */
export function undoableOf(tools: readonly RegisteredTool[]): ReadonlySet<string> {
  return new Set(
    tools.flatMap(({ spec: { name, effect, compensation } }) =>
      compensation === undefined || effect === 'pure' ? [] : [name],
    ),
  );
}

const errorOf = (act: Act): Error => {
  switch (act.ends) {
    case 'retryable':
      return new RetryableError('nothing was done');
    case 'fatal':
      return new NonRetryableError('it never will');
    case 'unsure':
      return new UnknownOutcomeError('it may have been done');
    default:
      return new Error('it failed');
  }
};

/** How that attempt goes; the last of them goes on for ever. */
export const actOf = (parameters: JsonObject, attempt: number): Act => {
  const acts = parameters['acts'] as unknown as Act[] | undefined;
  return acts?.[Math.min(attempt, acts.length) - 1] ?? { ms: 0, ends: 'ok', does: 0 };
};

/** Writes down that a run begins. */
export const beginRun = (
  stage: Pick<Stage, 'agenda' | 'ledger' | 'process'>,
  tool: string,
  parameters: JsonObject,
  context: ToolContext,
): ToolRun =>
  stage.ledger.begin({
    intentId: context.intentId,
    sessionId: context.sessionId,
    tool,
    process: stage.process.name,
    attempt: context.attempt,
    key: context.idempotencyKey,
    parameters: JSON.stringify(parameters),
    compensates: context.compensates,
    begunAt: stage.agenda.now,
  });

/** Runs a tool as its act says, in the time of its process. */
const perform = (stage: Stage, tool: string, parameters: JsonObject, context: ToolContext): unknown => {
  const { agenda, ledger, process } = stage;
  const act = actOf(parameters, context.attempt);
  const run = beginRun(stage, tool, parameters, context);
  const result = { v: 1, of: parameters['name'] ?? null };
  let done = false;
  const does = () => {
    done = true;
    ledger.happened(context.intentId, stage.serverNow());
  };
  if (act.ms === 0 && act.ends === 'ok') {
    does();
    run.endedAt = agenda.now;
    return result;
  }
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      if (run.endedAt !== undefined) return;
      run.endedAt = agenda.now;
      run.didNothing =
        !done && error !== undefined && (act.ends !== 'unsure' || error instanceof RetryableError);
      if (error === undefined) resolve(result);
      else reject(error);
    };
    if (act.does !== undefined) {
      const effect = () => {
        // what was told to stop before it had done anything does nothing
        if (act.remote === true || run.endedAt === undefined) does();
      };
      if (act.remote === true) agenda.after(act.does, effect);
      else process.after(act.does, effect);
    }
    process.after(act.ms, () => {
      end(act.ends === 'ok' ? undefined : errorOf(act));
    });
    if (act.heeds === true)
      context.signal.addEventListener('abort', () => {
        const surely = !done && act.remote !== true;
        end(surely ? new RetryableError('stopped before it did anything') : new Error('stopped'));
      });
  });
};

/** Those that may be undone without their plan saying how. */
export const UNDOABLE: ReadonlySet<string> = undoableOf(ACTING);

/** The tools of a simulation as one of its processes runs them. */
export const actingTools = (stage: Stage): RegisteredTool[] => [
  WAIT,
  ...ACTING.map((tool): RegisteredTool => {
    const { name } = tool.spec;
    return {
      ...tool,
      run: (parameters, context) => perform(stage, name, parameters, context),
      ...(tool.probe === undefined
        ? {}
        : {
            probe: (_parameters, context) =>
              stage.ledger.countOf(context.intentId) > 0
                ? { outcome: 'done', result: { v: 1 } }
                : { outcome: 'not_done' },
          }),
    };
  }),
];
