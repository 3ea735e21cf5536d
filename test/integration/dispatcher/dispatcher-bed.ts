import type {
  CloudEvent,
  EffectClass,
  EventContext,
  ExternalTool,
  JsonObject,
  Outcome,
  PendingIntent,
  Snapshot,
  ToolCallData,
  ToolResultData,
} from '#contracts';
import { intentEvent, RECORD_VERSION } from '#contracts';
import {
  type DispatcherOptions,
  Executor,
  registeredExternal,
  registeredTool,
  type ToolDefinition,
  ToolRegistry,
} from '#dispatcher';
import { Engine } from '#engine';
import {
  type ClaimKey,
  type ClaimStore,
  type ClaimView,
  EmbeddedClaimStore,
  EmbeddedSlotStore,
  intentDigest,
  type SlotStore,
} from '#idempotency';
import { EmbeddedSessionStore, type SessionStore } from '#state';
import { eventually, fakeClock, freshName, tempDir } from '#testing';

export const LEASE_MS = 3_000;
const RETENTION_MS = 600_000;

export const CONTEXT: EventContext = {
  source: '/dispatcher/test',
  typePrefix: 'com.southwest.ai',
  deployment: 'dormouse',
};

/** What a test says of an intent; the rest is ordinary. */
export interface IntentOptions {
  parameters?: JsonObject;
  effect?: EffectClass;
  deadlineMs?: number;
  compensates?: string;
  approved_by?: string;
  /** its session waits for a person to approve it */
  held?: boolean;
}

/** One dispatcher process: its executor, and what it has published. */
export interface Process {
  executor: Executor;
  published: CloudEvent<ToolResultData>[];
  /** as `publish` was called: how many events in each call */
  calls: number[];
  run(event: CloudEvent<ToolCallData>): Promise<void>;
  /** Its clocks stand still from here on: it renews nothing, and ends nothing by time. It is never shut down. */
  freeze(): void;
}

/** The embedded stores on one engine and one clock that only moves when it is told; dispatchers come and go above them. */
export class DispatcherBed {
  readonly clock = fakeClock();
  private readonly executors = new Set<Executor>();

  private constructor(
    private readonly engine: Engine,
    private readonly remove: () => void,
    readonly sessions: SessionStore,
    readonly claims: ClaimStore,
    readonly slots: SlotStore,
    time: { now: () => number },
  ) {
    time.now = () => this.clock.now();
  }

  static async open(): Promise<DispatcherBed> {
    const dir = tempDir('dispatcher');
    const time = { now: () => Date.now() };
    const engine = await Engine.open({ dir: dir.path, clock: () => time.now() });
    return new DispatcherBed(
      engine,
      () => dir.remove(),
      new EmbeddedSessionStore(engine),
      new EmbeddedClaimStore(engine),
      new EmbeddedSlotStore(() => engine.now()),
      time,
    );
  }

  /** @param stores what stands in for the stores, to crash or to watch between two moves */
  process(
    tools: readonly ToolDefinition[],
    options: Partial<DispatcherOptions> & {
      claims?: ClaimStore;
      slots?: SlotStore;
      sessions?: SessionStore;
      publish?: (events: CloudEvent[]) => Promise<void>;
      external?: readonly ExternalTool[];
    } = {},
  ): Process {
    const registry = new ToolRegistry();
    for (const tool of tools) registry.add(registeredTool(tool, 'test'));
    for (const tool of options.external ?? []) registry.add(registeredExternal(tool, 'test'));
    const published: CloudEvent<ToolResultData>[] = [];
    const calls: number[] = [];
    let frozenAt: number | undefined;
    const now = () => frozenAt ?? this.clock.now();
    const executor = new Executor(
      registry,
      options.sessions ?? this.sessions,
      options.claims ?? this.claims,
      options.slots ?? this.slots,
      {
        log: {},
        publish: async (_topic, events) => {
          await options.publish?.(events);
          calls.push(events.length);
          published.push(...(events as CloudEvent<ToolResultData>[]));
        },
      },
      {
        events: CONTEXT,
        topics: { observation: 'agent.observation', deadLetter: 'agent.dead-letter' },
        concurrency: 1_000,
        leaseMs: LEASE_MS,
        retentionMs: RETENTION_MS,
        shutdownMs: 0,
        resultLimitBytes: 100_000,
        inlineLimitBytes: 50_000,
        clock: { now, monotonic: now },
        ...options,
      },
      () => 0.5,
    );
    this.executors.add(executor);
    return {
      executor,
      published,
      calls,
      run: (event) => executor.execute(event),
      freeze: () => {
        frozenAt = this.clock.now();
        this.executors.delete(executor);
      },
    };
  }

  /** A session that waits for one call of this tool, and the intent as the Commander publishes it. */
  async intent(tool: string, options: IntentOptions = {}): Promise<CloudEvent<ToolCallData>> {
    const [event] = await this.intents([{ tool, ...options }]);
    if (event === undefined) throw new Error('no intent was made');
    return event;
  }

  /** A session that waits for all of these. */
  async intents(calls: readonly (IntentOptions & { tool: string })[]): Promise<CloudEvent<ToolCallData>[]> {
    const now = this.clock.now();
    const sessionId = freshName('sess');
    const pending = calls.map((call, index): PendingIntent => {
      const parameters = call.parameters ?? {};
      return {
        intent_id: `${sessionId}.1.${String(index)}`,
        tool: call.tool,
        parameters,
        digest: intentDigest(call.tool, parameters),
        effect: call.effect ?? 'irreversible',
        step: 1,
        emitted_at: now,
        deadline_at: now + (call.deadlineMs ?? 60_000),
        ...(call.compensates === undefined ? {} : { compensates: call.compensates }),
        ...(call.approved_by === undefined ? {} : { approved_by: call.approved_by }),
      };
    });
    const held = pending.filter((_, index) => calls[index]?.held === true);
    const snapshot: Snapshot = {
      v: RECORD_VERSION,
      session_id: sessionId,
      version: 1,
      fixed: {
        tenant: 'default',
        submission: { input: 'test' },
        brain: 'plan',
        trace_id: '0123456789abcdef0123456789abcdef',
        created_at: now,
      },
      status: 'waiting_tool',
      step: 1,
      pending: pending.filter((intent) => !held.includes(intent)),
      ...(held.length === 0 ? {} : { held }),
      outbox: { commit: null, intent_ids: pending.map((p) => p.intent_id), out: true },
      applied: [],
      usage: { steps: 1, tool_calls: pending.length, input_tokens: 0, output_tokens: 0 },
      timeline_seq: 1,
      history_n: 0,
      updated_at: now,
    };
    await this.sessions.create({ snapshot, timeline: [], wakeAt: now + 3_600_000 });
    return pending.map((p) => intentEvent({ ...CONTEXT, source: '/commander/test' }, snapshot, p));
  }

  /** The session applies an outcome, or ends: it waits for nothing any more. */
  async settle(event: CloudEvent<ToolCallData>): Promise<void> {
    const sessionId = sessionOf(event);
    const snapshot = await this.sessions.load(sessionId);
    if (snapshot === null) throw new Error(`no session ${sessionId}`);
    await this.sessions.commit({
      token: freshName('settle'),
      expectedVersion: snapshot.version,
      snapshot: { ...snapshot, version: snapshot.version + 1, pending: [], status: 'completed' },
      history: [],
      timeline: [],
      wakeAt: null,
    });
  }

  async digestOf(event: CloudEvent<ToolCallData>): Promise<string> {
    return (await this.sessions.load(sessionOf(event)))?.pending[0]?.digest ?? '';
  }

  /** What a cancel records that comes before the tool has begun. */
  cancelled(): Outcome {
    return {
      status: 'cancelled',
      result: null,
      error: { code: 'cancelled', message: 'sealed', retryable: false },
      attempts: 0,
      started_at: new Date(this.clock.now()).toISOString(),
      duration_ms: 0,
    };
  }

  async seal(event: CloudEvent<ToolCallData>): ReturnType<ClaimStore['seal']> {
    return this.claims.seal(keyOf(event), await this.digestOf(event), this.cancelled(), 600_000);
  }

  async claimOf(event: CloudEvent<ToolCallData>): Promise<ClaimView | null> {
    const [view] = await this.claims.read([keyOf(event)]);
    return view ?? null;
  }

  wakeOf(event: CloudEvent<ToolCallData>): Promise<number | null> {
    return this.sessions.wakeOf(sessionOf(event));
  }

  /** Moves time on in steps that a renewal survives, until the condition holds. */
  async advanceUntil(condition: () => boolean | Promise<boolean>, stepMs = 500): Promise<void> {
    await eventually(
      async () => {
        if (await condition()) return true;
        await this.clock.advance(stepMs);
        return false;
      },
      { everyMs: 25, timeoutMs: 10_000 },
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.executors].map((executor) => executor.drain(0)));
    await this.sessions.close();
    await this.claims.close();
    await this.engine.close();
    this.remove();
  }
}

export const sessionOf = (event: CloudEvent<ToolCallData>): string => String(event.subject);
export const keyOf = (event: CloudEvent<ToolCallData>): ClaimKey => ({
  sessionId: sessionOf(event),
  intentId: event.id,
});

const never = new Promise<never>(() => undefined);

/**
 * The port as a process sees it that is killed at this move: the move happens or it doesn't, its answer never comes.
 * What else the process had under way is abandoned with it.
 */
export const killedAt = <Port extends object>(
  port: Port,
  move: keyof Port,
  when: 'before' | 'after',
  killed: () => void,
): Port => {
  let dead = false;
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if (dead) return never;
        if (name !== move) return value.apply(target, given) as unknown;
        dead = true;
        if (when === 'before') {
          killed();
          return never;
        }
        return (value.apply(target, given) as Promise<unknown>).then(() => {
          killed();
          return never;
        });
      };
    },
  });
};

/** A tool over any parameters that does this. */
export const tool = (
  name: string,
  effect: EffectClass,
  run: ToolDefinition['run'],
  more: Partial<ToolDefinition> = {},
): ToolDefinition => ({
  name,
  description: name,
  parameters: { type: 'object' },
  effect,
  run,
  ...more,
});

/** A promise that the test settles. */
export const deferred = <T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} => {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
};
