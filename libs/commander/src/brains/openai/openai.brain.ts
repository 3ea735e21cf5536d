import { setTimeout as sleep } from 'node:timers/promises';
import { DormouseError, type Submission } from '#contracts';
import type { Brain, Conclusion, Decision, ThinkContext } from '../../brain.js';
import { ASK_USER } from '../../core/question.js';
import { askUserFunction } from './ask-user.js';
import type { ChatRequest } from './chat.js';
import { type TokenUsage, readCompletion } from './completion.js';
import { conversation } from './conversation.js';
import { decide, nothingSaid } from './decision.js';
import { type Fault, faultOf } from './fault.js';
import { functionTool, offeredTools } from './function-tools.js';
import { LastingTrouble } from './lasting-trouble.js';
import { nextWaitMs } from './next-wait.js';
import { type ModelClient, OpenAiClient } from './openai.client.js';
import { DEFAULT_PATIENCE, type OpenAiOptions, type Patience } from './openai.options.js';
import { RateGate } from './rate-gate.js';
import type { ModelTurn } from './turn.js';
import { windUp } from './undo.js';

/** How often a model that says nothing is asked in one think. */
export const EMPTY_ANSWERS = 3;

/** What a test puts in place of time and chance. */
export interface Ambient {
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** [0, 1) */
  random(): number;
  /** ms; only differences count */
  clock(): number;
}

const REAL: Ambient = {
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  random: () => Math.random(),
  clock: () => performance.now(),
};

type Answer =
  | { kind: 'turn'; turn: ModelTurn; usage: TokenUsage }
  /** asked often enough, said nothing */
  | { kind: 'silent'; usage: TokenUsage };

/**
 * An LLM behind the Chat Completions API, OpenAI's or any server's that speaks it.
 *
 * Its errors, all `brain_failed`:
 * - retryable: the server is out of reach, overloaded, or answers nonsense. The step is thought again later;
 * - not retryable: the server refuses the request (a wrong key, an unknown model, too long a conversation), or trouble
 *   has lasted for {@link Patience.giveUpAfterMs}. The session ends `failed`, with the server's message.
 * When `signal` is aborted, its reason is thrown.
 */
export class OpenAiBrain implements Brain {
  readonly name = 'openai';
  readonly thinksAfter = 'all';
  readonly #patience: Patience;
  readonly #client: ModelClient;
  readonly #gate = new RateGate();
  readonly #trouble: LastingTrouble;

  constructor(
    private readonly options: OpenAiOptions,
    private readonly ambient: Ambient = REAL,
    client: ModelClient = new OpenAiClient(options),
  ) {
    this.#patience = { ...DEFAULT_PATIENCE, ...options.patience };
    this.#client = client;
    this.#trouble = new LastingTrouble(this.#patience.giveUpAfterMs);
  }

  unavailable(submission?: Submission): string | undefined {
    const { apiKey, baseUrl, model } = this.options;
    if (apiKey === undefined && baseUrl === undefined) {
      return 'No LLM is configured: set OPENAI_API_KEY (for OpenAI) or OPENAI_BASE_URL (any server that speaks its API), and OPENAI_MODEL.';
    }
    if (submission !== undefined && submission.model === undefined && model === undefined) {
      return 'No model is named: set OPENAI_MODEL, or give `model` with the submission.';
    }
    return undefined;
  }

  async think(context: ThinkContext): Promise<Decision> {
    const { submission } = context.snapshot.fixed;
    const missing = this.unavailable(submission);
    const model = submission.model ?? this.options.model;
    if (missing !== undefined || model === undefined)
      throw new DormouseError('brain_failed', missing ?? 'No model is named.');

    const { messages, callIds } = conversation(submission.instructions, await context.history());
    const mayAsk = submission.ask_user === true;
    const functions = [
      ...offeredTools(context.tools, submission.tools)
        .filter(({ name }) => !(mayAsk && name === ASK_USER))
        .map(functionTool),
      ...(mayAsk ? [askUserFunction] : []),
    ];
    const request = { model, messages, ...(functions.length === 0 ? {} : { tools: functions }) };
    const answer = await this.#ask(request, context, callIds);
    this.#trouble.over(context.snapshot.session_id);
    if (answer.kind === 'silent') return nothingSaid(EMPTY_ANSWERS, answer.usage);
    return decide(answer.turn, answer.usage, {
      tools: context.tools,
      offered: new Set(functions.map((offered) => offered.function.name)),
      mayAsk,
      at: new Date(context.now).toISOString(),
    });
  }

  conclude(context: ThinkContext): Promise<Conclusion> {
    return windUp(context);
  }

  /** Asks until there is an answer, patience ends, or the fault is final. */
  async #ask(request: ChatRequest, context: ThinkContext, callIds: Set<string>): Promise<Answer> {
    const { ambient } = this;
    const { signal, snapshot } = context;
    const begun = ambient.clock();
    const usage: TokenUsage = { input_tokens: 0, output_tokens: 0 };
    let empty = 0;
    const closedMs = this.#gate.remainingMs(request.model, begun);
    if (closedMs > this.#patience.maxWaitMs) {
      const pause = { retry: true, message: 'the server asked for a longer pause', afterMs: closedMs };
      throw this.#failure(pause, request.model, snapshot.session_id);
    }
    if (closedMs > 0) await this.#rest(closedMs, signal);

    for (let attempts = 1; ; attempts++) {
      const reply = await this.#once(request, signal);
      let fault: Fault;
      if ('fault' in reply) fault = reply.fault;
      else {
        const reading = readCompletion(reply.body, snapshot.step + 1, callIds);
        if (reading.kind === 'unusable') fault = { retry: true, message: reading.message };
        else {
          usage.input_tokens += reading.usage.input_tokens;
          usage.output_tokens += reading.usage.output_tokens;
          if (reading.kind === 'turn') return { kind: 'turn', turn: reading.turn, usage };
          if (++empty >= EMPTY_ANSWERS) return { kind: 'silent', usage };
          fault = { retry: true, message: 'an empty answer' };
        }
      }
      const elapsedMs = ambient.clock() - begun;
      const waitMs = nextWaitMs(this.#patience, { attempts, elapsedMs }, fault, ambient.random());
      this.options.onTrouble?.({
        session_id: snapshot.session_id,
        model: request.model,
        attempt: attempts,
        message: this.#withoutKey(fault.message),
        wait_ms: waitMs,
      });
      if (waitMs === null) throw this.#failure(fault, request.model, snapshot.session_id);
      await this.#rest(waitMs, signal);
    }
  }

  async #once(request: ChatRequest, signal: AbortSignal): Promise<{ body: unknown } | { fault: Fault }> {
    try {
      return { body: await this.#client.complete(request, signal, this.#patience.requestMs) };
    } catch (error) {
      signal.throwIfAborted();
      return { fault: faultOf(error, Date.now()) };
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.ambient.sleep(ms, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** What the session, or whoever repeats the step, is told when this think asks no more. */
  #failure(fault: Fault, model: string, sessionId: string): DormouseError {
    const message = `The model's server gave no answer: ${this.#withoutKey(fault.message)}`;
    const details = {
      ...(fault.status === undefined ? {} : { status: fault.status }),
      ...(fault.afterMs === undefined ? {} : { retry_after_ms: Math.round(fault.afterMs) }),
    };
    const now = this.ambient.clock();
    const lastedMs = this.#trouble.lastedMs(sessionId, now);
    const givenUp = lastedMs > this.#patience.giveUpAfterMs;
    if (fault.retry && !givenUp) {
      const { afterMs = 0 } = fault;
      if (afterMs > this.#patience.maxWaitMs) this.#gate.close(model, now + afterMs, now);
      return new DormouseError('brain_failed', message, { retryable: true, details });
    }
    this.#trouble.over(sessionId);
    const after = fault.retry ? ` (for ${Math.round(lastedMs / 1000)} s; given up)` : '';
    return new DormouseError('brain_failed', message + after, { details });
  }

  /** Servers quote the key that they refuse; it must not reach a log or a client. */
  #withoutKey(message: string): string {
    const { apiKey } = this.options;
    return apiKey === undefined ? message : message.replaceAll(apiKey, '***');
  }
}
