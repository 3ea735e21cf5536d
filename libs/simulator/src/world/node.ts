import {
  type Ambient,
  Brains,
  type CommanderOptions,
  CommanderService,
  DeadLetters,
  Inbox,
  type ModelClient,
  OpenAiBrain,
  type OpenAiOptions,
  PlanBrain,
  Sessions,
  ThinkingSessions,
} from '#commander';
import {
  type CloudEvent,
  DormouseError,
  EVENT_NAMES,
  type EventContext,
  type EventName,
  type ToolCallData,
} from '#contracts';
import { type DispatcherOptions, Executor, type RegisteredTool, ToolRegistry } from '#dispatcher';
import type { ClaimStore, SlotStore } from '#idempotency';
import { Auditor, Sweeper } from '#scheduler';
import type { DeadLetterStore, SessionStore } from '#state';
import { type Delivery, EventClient, EventStrategy, type Transport } from '#transport';
import type { SimulatedTransport } from '../servers/simulated-transport.js';
import { UncountedDeliveries } from '../servers/uncounted-deliveries.js';
import type { Api } from '../workload/somebody.js';
import { DEPLOYMENT, GROUPS, RESULT_LIMIT_BYTES, TOPICS, TYPE_PREFIX } from './naming.js';
import type { SimulatedProcess } from './simulated-process.js';

/** `worker`: a program of others that serves external tools */
export type Role = 'api' | 'commander' | 'dispatcher' | 'scheduler' | 'worker';

/** What a process is built on. */
export interface Ports {
  sessions: SessionStore;
  claims: ClaimStore;
  deadLetters: DeadLetterStore;
  slots: SlotStore;
  transport: Transport;
}

/** What is the same for all processes of a schedule. */
export interface Settings {
  leaseMs: number;
  retentionMs: number;
  inlineLimitBytes: number;
  partitions: number;
  concurrency: number;
  pulseMs: number;
  shutdownMs: number;
}

const OBSERVED: readonly EventName[] = [
  EVENT_NAMES.sessionCreated,
  EVENT_NAMES.toolResult,
  EVENT_NAMES.cancel,
  EVENT_NAMES.timer,
  EVENT_NAMES.userMessage,
  EVENT_NAMES.approval,
  EVENT_NAMES.resolution,
  EVENT_NAMES.deadLetter,
  EVENT_NAMES.redriven,
];

/** Handles one event of a topic. */
export type Handle = (event: CloudEvent, delivery: Delivery) => Promise<void>;

export interface NodeParts {
  process: SimulatedProcess;
  roles: readonly Role[];
  ports: Ports;
  /** the way to the log as it is, whatever stands before it */
  log: SimulatedTransport;
  settings: Settings;
  tools: readonly RegisteredTool[];
  /** tools that its dispatcher doesn't know: it is of an earlier release */
  lacks: ReadonlySet<string>;
  /** what its `worker` does with an intent */
  others: (event: CloudEvent) => Promise<void>;
  model: ModelClient;
  random: () => number;
  /** what stands before a role's handlers */
  around: (role: Role, handle: Handle) => Handle;
  /** it couldn't begin: whoever looks after processes starts it anew */
  failed: () => void;
  /** when the earliest wake-up is due by the agenda's time, which spares the sweeper looking every so often */
  nextWakeInMs: () => number;
  /** its scheduler audits the wake-ups too */
  audits: boolean;
}

/** How late a sweep may be. */
const SWEEP_MS = 50;
const AFTER_AN_ERROR_MS = 1_000;
const LOOK_AT_LEAST_MS = 3_600_000;
const AUDIT_REST_MS = 5_000;

/** A process of the product: its roles, made of the real parts, on the ports that it is given. */
export class SimulatedNode {
  readonly api: Api | undefined;
  private readonly strategies: EventStrategy[] = [];
  private readonly executor: Executor | undefined;
  private readonly sweeper: Sweeper | undefined;
  private readonly auditor: Auditor | undefined;
  private readonly thinking: ThinkingSessions;
  private readonly deadLetters: DeadLetters;
  private sweep: { at: number; handle: unknown } | undefined;
  private sweeping = false;
  private stopping = false;

  constructor(private readonly parts: NodeParts) {
    const { ports, roles, process, settings, tools, random, model } = parts;
    const registry = registryOf(tools);
    const client = new EventClient(ports.transport);
    const options: CommanderOptions = {
      events: this.events('commander'),
      topics: TOPICS,
      brains: [new PlanBrain(), new OpenAiBrain(MODEL, ambientOf(process, random), model)],
      retentionMs: settings.retentionMs,
      inlineLimitBytes: settings.inlineLimitBytes,
      resultLimitBytes: RESULT_LIMIT_BYTES,
      timers: process.timers,
    };
    const { sessions, claims } = ports;
    const brains = new Brains(options.brains);
    this.thinking = new ThinkingSessions(sessions, options);
    this.deadLetters = new DeadLetters(
      ports.deadLetters,
      sessions,
      new UncountedDeliveries(),
      claims,
      ports.transport,
      options,
    );
    if (roles.includes('api')) {
      const asked = new Sessions(sessions, client, registry, brains, this.thinking, options);
      const inbox = new Inbox(sessions, client, registry, asked, options);
      this.api = { sessions: asked, inbox, deadLetters: this.deadLetters };
    }
    if (roles.includes('commander')) {
      const service = new CommanderService(
        sessions,
        claims,
        client,
        registry,
        brains,
        this.thinking,
        options,
      );
      const strategy = this.strategy('commander', TOPICS.observation, GROUPS.commander, 64, 'key');
      for (const name of OBSERVED)
        this.handle(strategy, 'commander', name, (event, delivery) =>
          service.observe(name, event, () => delivery.signal),
        );
    }
    if (roles.includes('dispatcher')) {
      const served = parts.lacks.size === 0 ? registry : registryOf(tools, parts.lacks);
      const executor = new Executor(
        served,
        sessions,
        claims,
        ports.slots,
        client,
        this.dispatching(),
        random,
      );
      this.executor = executor;
      const strategy = this.strategy('dispatcher', TOPICS.intent, GROUPS.dispatcher, 64, 'none');
      this.handle(strategy, 'dispatcher', EVENT_NAMES.toolCall, (event) =>
        executor.execute(event as CloudEvent<ToolCallData>),
      );
      this.handle(strategy, 'dispatcher', EVENT_NAMES.stepCommitted, () => Promise.resolve());
    }
    if (roles.includes('worker')) {
      const strategy = this.strategy('worker', TOPICS.intent, GROUPS.others, 64, 'none');
      this.handle(strategy, 'worker', EVENT_NAMES.toolCall, parts.others);
    }
    if (roles.includes('scheduler'))
      this.sweeper = new Sweeper(sessions, claims, client, registry, {
        events: this.events('scheduler'),
        topics: TOPICS,
        leaseMs: settings.leaseMs,
        retentionMs: settings.retentionMs,
        inlineLimitBytes: settings.inlineLimitBytes,
        random,
      });
    if (roles.includes('scheduler') && parts.audits)
      this.auditor = new Auditor(sessions, { auditRestMs: AUDIT_REST_MS, auditor: process.name });
  }

  /** Joins its groups; tried again, as a process that is started again would, while the log can't be reached. */
  start(): void {
    const { ports, settings } = this.parts;
    const { partitions } = settings;
    const begin = async () => {
      await ports.transport.start(Object.values(TOPICS).map((topic) => ({ topic, partitions })));
      for (const strategy of this.strategies) await listening(strategy);
    };
    begin().then(
      () => {
        this.wakeSweeper();
        this.auditIn(0);
      },
      () => {
        this.parts.failed();
      },
    );
  }

  /** SIGTERM: takes nothing new, hands back what doesn't end in time, leaves its groups. */
  async stop(): Promise<void> {
    const { shutdownMs } = this.parts.settings;
    this.stopping = true;
    await Promise.all([
      this.executor?.drain(shutdownMs),
      ...this.strategies.map((strategy) => strategy.drain(shutdownMs)),
    ]);
    this.thinking.onApplicationShutdown();
    await this.parts.ports.transport.close();
  }

  get stops(): boolean {
    return this.stopping;
  }

  /** The coordinator takes it for gone. */
  evict(): void {
    for (const subscription of this.parts.log.subscriptions) subscription.evict();
  }

  /** Its process is gone. */
  end(): void {
    void this.parts.log.close();
  }

  rejoin(): void {
    for (const subscription of this.parts.log.subscriptions) subscription.rejoin();
  }

  /** There may be an earlier wake-up than it waits for. */
  wakeSweeper(): void {
    const { process, nextWakeInMs } = this.parts;
    if (this.sweeper === undefined || this.sweeping || this.stopping) return;
    const inMs = Math.min(LOOK_AT_LEAST_MS, Math.max(SWEEP_MS, nextWakeInMs()));
    this.sweepIn(inMs, process.timers.now() + inMs);
  }

  private sweepIn(inMs: number, at: number): void {
    const { timers } = this.parts.process;
    if (this.sweep !== undefined) {
      if (this.sweep.at <= at) return;
      timers.clear(this.sweep.handle);
    }
    this.sweep = {
      at,
      handle: timers.set(() => {
        this.sweep = undefined;
        this.sweeping = true;
        const again = (ms: number) => {
          this.sweeping = false;
          if (ms > 0) this.sweepIn(ms, timers.now() + ms);
          else this.wakeSweeper();
        };
        this.sweeper?.sweep().then(
          () => {
            again(0);
          },
          () => {
            again(AFTER_AN_ERROR_MS);
          },
        );
      }, inMs),
    };
  }

  private auditIn(ms: number): void {
    const { auditor } = this;
    if (auditor === undefined) return;
    this.parts.process.timers.set(() => {
      if (this.stopping) return;
      auditor.turn().then(
        (next) => {
          this.auditIn(next);
        },
        () => {
          this.auditIn(AFTER_AN_ERROR_MS);
        },
      );
    }, ms);
  }

  private events(role: string): EventContext {
    return {
      source: `/${role}/${this.parts.process.name}`,
      typePrefix: TYPE_PREFIX,
      deployment: DEPLOYMENT,
    };
  }

  private dispatching(): DispatcherOptions {
    const { process, settings } = this.parts;
    return {
      events: this.events('dispatcher'),
      topics: TOPICS,
      concurrency: settings.concurrency,
      leaseMs: settings.leaseMs,
      retentionMs: settings.retentionMs,
      shutdownMs: settings.shutdownMs,
      resultLimitBytes: RESULT_LIMIT_BYTES,
      inlineLimitBytes: settings.inlineLimitBytes,
      clock: process.clock,
      timers: process.timers,
      soon: (run) => {
        queueMicrotask(run);
      },
      pulseMs: settings.pulseMs,
    };
  }

  private strategy(
    role: 'commander' | 'dispatcher' | 'worker',
    topic: string,
    group: string,
    maxInFlight: number,
    order: 'key' | 'none',
  ): EventStrategy {
    const { ports, process, random } = this.parts;
    const strategy = new EventStrategy({
      transport: ports.transport,
      topic,
      group,
      transportId: Symbol(role),
      context: this.events(role),
      deadLetterTopic: TOPICS.deadLetter,
      // what others can't read is no dead letter of ours
      ...(role === 'worker' ? {} : { onBuried: (buried) => this.deadLetters.keep(buried) }),
      maxInFlight,
      consumer: { timers: process.timers, random, order },
    });
    this.strategies.push(strategy);
    return strategy;
  }

  private handle(strategy: EventStrategy, role: Role, name: EventName, handle: Handle): void {
    const { around } = this.parts;
    strategy.addHandler(name, around(role, handle) as never, true);
  }
}

const registryOf = (
  tools: readonly RegisteredTool[],
  without: ReadonlySet<string> = new Set(),
): ToolRegistry => {
  const registry = new ToolRegistry();
  for (const tool of tools) if (!without.has(tool.spec.name)) registry.add(tool);
  return registry;
};

/** The model's server is as near as the other servers of a schedule, and its brain as patient. */
const MODEL: OpenAiOptions = {
  baseUrl: 'http://model.simulated/v1',
  model: 'simulated',
  patience: { initialMs: 200, maxWaitMs: 2_000, totalMs: 10_000, giveUpAfterMs: 3_600_000 },
};

const ambientOf = ({ timers, clock }: SimulatedProcess, random: () => number): Ambient => ({
  random,
  clock: clock.monotonic,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = timers.set(resolve, ms);
      signal.addEventListener('abort', () => {
        timers.clear(timer);
        reject(new DormouseError('closed', 'stopped'));
      });
    }),
});

const listening = (strategy: EventStrategy): Promise<void> =>
  new Promise((resolve, reject) => {
    strategy.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('it could not join its group'));
    });
  });
