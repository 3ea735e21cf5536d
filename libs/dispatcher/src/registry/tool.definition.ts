import type { EffectClass, Json, JsonSchema, RetryPolicy, ToolHints } from '#contracts';

/** A class whose properties carry class-validator decorators. */
export type ParameterClass<P = object> = new () => P;

/** Writes lines that carry the tool, the session and the intent. */
export interface ToolLogger {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a tool is told about the run, beside its parameters. */
export interface ToolContext {
  readonly intentId: string;
  /** the same at every run of this intent: hand it to whatever can tell a repetition by it */
  readonly idempotencyKey: string;
  readonly sessionId: string;
  /** W3C trace id, 32 hex digits */
  readonly traceId: string;
  /** W3C traceparent of this run: hand it to what the tool calls, so that it appears below the run */
  readonly traceparent: string;
  /** 1, 2, 3 …: runs that ended by themselves, and this one */
  readonly attempt: number;
  /** aborted at the timeout, when the session doesn't want the tool any more, and at a shutdown */
  readonly signal: AbortSignal;
  /**
   * Says that the run goes on, and how far it is: keeps it from its tool's `idleTimeoutMs`; what was said last goes with
   * its error if it is cut off.
   */
  heartbeat(detail?: Json): void;
  /** the intent that this run undoes */
  readonly compensates?: string;
  readonly logger: ToolLogger;
}

/** What a probe found out about a run whose end nobody saw. */
export type ProbeAnswer =
  | { outcome: 'done'; result: unknown }
  /** nothing was done: it may be tried again, as a new intent */
  | { outcome: 'not_done' }
  | { outcome: 'unknown' };

/** How a tool is declared, with `@Tool` or as a plain object. */
export interface ToolOptions<P = never> {
  /** 1 to 64 letters, digits, `_` or `-` */
  name: string;
  /** for the LLM and for people */
  description: string;
  /** a class-validator DTO, or a JSON Schema of type object */
  parameters: ParameterClass | JsonSchema;
  /** what running it twice means; a function when that depends on the parameters. Absent: as `annotations` say */
  effect?: EffectClass | ((parameters: P) => EffectClass);
  /** hints as tools of the Model Context Protocol carry them; `effect` goes before them */
  annotations?: ToolHints;
  /** the tool that undoes it; it should be `idempotent` */
  compensation?: string;
  /** of one run; default 30 s */
  timeoutMs?: number;
  /** a run that doesn't call `context.heartbeat` for so long is aborted, as at its timeout; default: it need not */
  idleTimeoutMs?: number;
  /**
   * An intent that nobody has begun so long after its emission isn't run any more: it has failed with
   * `queue_ttl_exceeded`, and nothing was done. Not for compensations: an undoing is never too late. Default: it waits.
   */
  queueTtlMs?: number;
  /** default: 5 runs (10 as a compensation), 200 ms doubling to 10 s, with jitter */
  retry?: Partial<RetryPolicy>;
  /** runs at once, in all processes together; default: only each process's own bound */
  concurrency?: number;
  /** Asked after the intent's deadline when a run that can't be repeated was cut off. */
  probe?: (parameters: P, context: ToolContext) => ProbeAnswer | Promise<ProbeAnswer>;
  /**
   * Whether a call is held until a person approves it; not one that undoes another. Of a function only `false` lets a call
   * run without asking. Default: `never`.
   */
  approval?: 'always' | 'never' | ((parameters: P) => boolean);
}

/** A tool as a plain object: what a file of DORMOUSE_TOOLS exports. */
export interface ToolDefinition<P = never> extends ToolOptions<P> {
  /** its result is any JSON; throw `NonRetryableError`, `RetryableError` or `UnknownOutcomeError` to say what an error means */
  run: (parameters: P, context: ToolContext) => unknown;
  /** its run lasts as long as a durable timer: when its result is due, in ms after the intent was emitted */
  timer?: (parameters: P) => number;
}
