import type { ToolContext } from '../registry/tool.definition.js';
import type { AbortCause, Ending } from './ending.js';
import type { Intent } from './intent.js';
import { RunContext } from './run.context.js';

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** How long a run may last, and how long it may say nothing, in ms. */
export interface RunLimits {
  timeoutMs: number;
  /** undefined: it need not send heartbeats */
  idleTimeoutMs?: number | undefined;
}

/**
 * One run of a tool (or of its probe): begun at once, ended by itself or by one of its limits. An abort for another reason
 * only signals the tool; its end is still waited for, because only it says what was done.
 */
export class Attempt {
  private readonly context: RunContext;
  private timeoutAt = Infinity;
  private heardAt = Infinity;
  private settle: ((ending: Ending) => void) | undefined;
  private timedOut = false;

  constructor(
    intent: Intent,
    number: number,
    private readonly limits: RunLimits,
  ) {
    this.context = new RunContext(intent, number);
  }

  /**
   * Calls the tool. A result that is there at once is answered at once: no promise, nothing to look after.
   *
   * @param now of the monotonic clock, ms
   */
  begin(call: (context: ToolContext) => unknown, now: number): Ending | Promise<Ending> {
    let value: unknown;
    try {
      value = call(this.context);
    } catch (error) {
      return this.threw(error);
    }
    if (!isPromise(value)) return { kind: 'returned', value };
    this.timeoutAt = now + this.limits.timeoutMs;
    this.heardAt = now;
    value.then(
      (result) => this.settle?.({ kind: 'returned', value: result }),
      (error: unknown) => this.settle?.(this.threw(error)),
    );
    return new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  abort(cause: AbortCause): void {
    RunContext.abort(this.context, cause);
  }

  /** @param now of the monotonic clock, ms */
  beat(now: number): void {
    if (this.timedOut || this.settle === undefined) return;
    if (RunContext.takeBeat(this.context)) this.heardAt = now;
    const { timeoutMs, idleTimeoutMs = Infinity } = this.limits;
    if (now >= this.timeoutAt) this.endBy('timeout', timeoutMs, this.settle);
    else if (now >= this.heardAt + idleTimeoutMs) this.endBy('idle', idleTimeoutMs, this.settle);
  }

  private endBy(cause: 'timeout' | 'idle', timeoutMs: number, settle: (ending: Ending) => void): void {
    this.timedOut = true;
    this.abort(cause);
    // from here on the tool's own end settles what comes late
    const late = new Promise<Ending>((resolve) => {
      this.settle = resolve;
    });
    settle({
      kind: 'timeout',
      cause,
      timeoutMs,
      late,
      heartbeat: RunContext.heartbeatOf(this.context),
    });
  }

  private threw(error: unknown): Ending {
    return {
      kind: 'threw',
      error,
      cause: RunContext.causeOf(this.context),
      heartbeat: RunContext.heartbeatOf(this.context),
    };
  }
}
