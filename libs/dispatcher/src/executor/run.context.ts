import { Logger } from '@nestjs/common';
import { DormouseError, type Json, runSpanId, traceparent } from '#contracts';
import type { ToolContext, ToolLogger } from '../registry/tool.definition.js';
import type { AbortCause } from './ending.js';
import type { Intent } from './intent.js';

const logger = new Logger('Tool');

const scoped = (intent: Intent, attempt: number): ToolLogger => {
  const scope = ` [tool=${intent.tool} session=${intent.sessionId} intent=${intent.intentId} attempt=${attempt}]`;
  return {
    debug: (message) => logger.debug(message + scope),
    log: (message) => logger.log(message + scope),
    warn: (message) => logger.warn(message + scope),
    error: (message) => logger.error(message + scope),
  };
};

const reasonOf = (cause: AbortCause): DormouseError => {
  switch (cause) {
    case 'timeout':
      return new DormouseError('tool_timeout', 'the tool did not end in time');
    case 'idle':
      return new DormouseError('tool_idle_timeout', 'the tool sent no heartbeat in time');
    case 'cancelled':
      return new DormouseError('cancelled', 'the session does not want the tool any more');
    case 'lost':
      return new DormouseError('lease_lost', 'another dispatcher took the intent over');
    case 'shutdown':
      return new DormouseError('closed', 'the process is shutting down');
  }
};

/** What one run of a tool is told. Signal and logger are made when they are asked for: most tools never do. */
export class RunContext implements ToolContext {
  #intent: Intent;
  #controller: AbortController | undefined;
  #logger: ToolLogger | undefined;
  #cause: AbortCause | undefined;
  #heartbeat: Json | undefined;
  #beaten = false;

  constructor(
    intent: Intent,
    readonly attempt: number,
  ) {
    this.#intent = intent;
  }

  get intentId(): string {
    return this.#intent.intentId;
  }
  get idempotencyKey(): string {
    return this.#intent.intentId;
  }
  get sessionId(): string {
    return this.#intent.sessionId;
  }
  get traceId(): string {
    return this.#intent.traceId;
  }
  get traceparent(): string {
    const { traceId, intentId, trace } = this.#intent;
    return traceparent(traceId, runSpanId(intentId, this.attempt), trace?.sampled !== false);
  }
  get compensates(): string | undefined {
    return this.#intent.compensates;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cause !== undefined) this.#controller.abort(reasonOf(this.#cause));
    }
    return this.#controller.signal;
  }

  get logger(): ToolLogger {
    this.#logger ??= scoped(this.#intent, this.attempt);
    return this.#logger;
  }

  heartbeat(detail?: Json): void {
    this.#heartbeat = detail ?? null;
    this.#beaten = true;
  }

  /** for the executor: what the run said last */
  static heartbeatOf(context: RunContext): Json | undefined {
    return context.#heartbeat;
  }

  /** for the executor: whether the run has sent a heartbeat since this was asked last */
  static takeBeat(context: RunContext): boolean {
    const beaten = context.#beaten;
    context.#beaten = false;
    return beaten;
  }

  /** for the executor: why the signal was aborted first */
  static causeOf(context: RunContext): AbortCause | undefined {
    return context.#cause;
  }

  /** for the executor */
  static abort(context: RunContext, cause: AbortCause): void {
    if (context.#cause !== undefined) return;
    context.#cause = cause;
    context.#controller?.abort(reasonOf(cause));
  }
}
