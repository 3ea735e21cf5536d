import {
  Brains,
  type CommanderOptions,
  CommanderService,
  PlanBrain,
  Sessions,
  ThinkingSessions,
} from '#commander';
import {
  type CloudEvent,
  EVENT_NAMES,
  type EventContext,
  type EventName,
  type ToolCallData,
} from '#contracts';
import { type DispatcherOptions, Executor, type RegisteredTool, ToolRegistry } from '#dispatcher';
import type { ClaimStore } from '#idempotency';
import { Sweeper } from '#scheduler';
import type { SessionStore } from '#state';
import { type Delivery, EventClient, EventStrategy, type Transport } from '#transport';
import type { SimulatedTransport } from '../servers/simulated-transport.js';
import type { SimulatedProcess } from './simulated-process.js';

export type Role = 'api' | 'commander' | 'dispatcher' | 'scheduler';

/** What a process is built on. */
export interface Ports {
  sessions: SessionStore;
  claims: ClaimStore;
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

export const TOPICS = {
  intent: 'agent.intent',
  observation: 'agent.observation',
  deadLetter: 'agent.dead-letter',
};
export const GROUPS = { commander: 'commander_group', dispatcher: 'dispatcher_group' };
export const DEPLOYMENT = 'simulated';
const TYPE_PREFIX = 'com.southwest.ai';
const RESULT_LIMIT_BYTES = 1 << 20;

const OBSERVED: readonly EventName[] = [
  EVENT_NAMES.sessionCreated,
  EVENT_NAMES.toolResult,
  EVENT_NAMES.cancel,
  EVENT_NAMES.timer,
  EVENT_NAMES.userMessage,
  EVENT_NAMES.approval,
  EVENT_NAMES.resolution,
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
  random: () => number;
  /** what stands before a role's handlers */
  around: (role: Role, handle: Handle) => Handle;
  /** it couldn't begin: whoever looks after processes starts it anew */
  failed: () => void;
  /** when the earliest wake-up is due by the agenda's time, which spares the sweeper looking every so often */
  nextWakeInMs: () => number;
}

/** How late a sweep may be. */
const SWEEP_MS = 50;
const AFTER_AN_ERROR_MS = 1_000;
const LOOK_AT_LEAST_MS = 3_600_000;

/** A process of the product: its roles, made of the real parts, on the ports that it is given. */
export class SimulatedNode {
  readonly sessions: Sessions | undefined;
  private readonly strategies: EventStrategy[] = [];
  private readonly executor: Executor | undefined;
  private readonly sweeper: Sweeper | undefined;
  private readonly thinking: ThinkingSessions;
  private sweep: { at: number; handle: unknown } | undefined;
  private sweeping = false;
  private stopping = false;

  constructor(private readonly parts: NodeParts) {
    const { ports, roles, process, settings, tools, random } = parts;
    const registry = new ToolRegistry();
    for (const tool of tools) registry.add(tool);
    const client = new EventClient(ports.transport);
    const options: CommanderOptions = {
      events: this.events('commander'),
      topics: TOPICS,
      brains: [new PlanBrain()],
      retentionMs: settings.retentionMs,
      inlineLimitBytes: settings.inlineLimitBytes,
      resultLimitBytes: RESULT_LIMIT_BYTES,
      timers: process.timers,
    };
    const { sessions, claims } = ports;
    const brains = new Brains(options.brains);
    this.thinking = new ThinkingSessions(sessions, options);
    if (roles.includes('api'))
      this.sessions = new Sessions(sessions, client, registry, brains, this.thinking, options);
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
      const executor = new Executor(registry, sessions, claims, client, this.dispatching(), random);
      this.executor = executor;
      const strategy = this.strategy('dispatcher', TOPICS.intent, GROUPS.dispatcher, 64, 'none');
      this.handle(strategy, 'dispatcher', EVENT_NAMES.toolCall, (event) =>
        executor.execute(event as CloudEvent<ToolCallData>),
      );
      this.handle(strategy, 'dispatcher', EVENT_NAMES.stepCommitted, () => Promise.resolve());
    }
    if (roles.includes('scheduler'))
      this.sweeper = new Sweeper(sessions, claims, client, registry, {
        events: this.events('scheduler'),
        topics: TOPICS,
        leaseMs: settings.leaseMs,
        retentionMs: settings.retentionMs,
        inlineLimitBytes: settings.inlineLimitBytes,
      });
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
    role: 'commander' | 'dispatcher',
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

const listening = (strategy: EventStrategy): Promise<void> =>
  new Promise((resolve, reject) => {
    strategy.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('it could not join its group'));
    });
  });
