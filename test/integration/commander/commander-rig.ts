import {
  type CloudEvent,
  DEFAULT_TOPICS,
  DEFAULT_TYPE_PREFIX,
  DormouseError,
  type EventContext,
  EVENT_NAMES,
  type EventName,
  type Outcome,
  type PendingIntent,
  type Snapshot,
  type Submission,
  toolResultEvent,
} from '#contracts';
import {
  type Brain,
  Brains,
  CommanderService,
  Inbox,
  PlanBrain,
  Sessions,
  ThinkingSessions,
} from '#commander';
import { Engine } from '#engine';
import { EmbeddedClaimStore } from '#idempotency';
import { EmbeddedSessionStore } from '#state';
import { deepFreeze, eventually, NamedTools, tempDir } from '#testing';
import { decodeEvent, EmbeddedTransport, EventClient, type LogRecord, type OutboundRecord } from '#transport';

export const TENANT = { tenant: 'default' };
const events: EventContext = {
  source: '/commander/test',
  typePrefix: DEFAULT_TYPE_PREFIX,
  deployment: 'test',
};

export const tools = new NamedTools([
  { name: 'look' },
  { name: 'save', effect: 'idempotent' },
  { name: 'pay', effect: 'irreversible' },
  { name: 'ask', effect: 'irreversible', servedBy: 'external' },
  { name: 'poll', effect: 'idempotent', servedBy: 'external' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent' },
  { name: 'sign', effect: 'irreversible', approval: 'always' },
]);

/** Snapshots are to be read only: whoever changes one fails. */
class FrozenSnapshots extends EmbeddedSessionStore {
  /** what it says that it has seen last, of whatever session */
  seen: Snapshot | undefined;

  override lastSeen(): Snapshot | undefined {
    return this.seen;
  }

  override async load(sessionId: string): Promise<Snapshot | null> {
    return deepFreeze(await super.load(sessionId));
  }
}

/** The log, which can be told to fail a publication before or after it has taken it. */
class FlakyTransport extends EmbeddedTransport {
  fault: 'none' | 'before' | 'after' = 'none';

  override async publish(records: readonly OutboundRecord[]): Promise<void> {
    const { fault } = this;
    this.fault = 'none';
    if (fault !== 'before') await super.publish(records);
    if (fault !== 'none') throw new DormouseError('unavailable', 'the log is away', { retryable: true });
  }
}

/** A commander on the embedded engine, its parts within reach; the topics are read as any program would. */
export class CommanderRig {
  readonly store: FrozenSnapshots;
  readonly claims: EmbeddedClaimStore;
  readonly commander: CommanderService;
  readonly sessions: Sessions;
  readonly inbox: Inbox;
  readonly thinking: ThinkingSessions;
  readonly intents: CloudEvent[] = [];
  readonly observations: CloudEvent[] = [];

  private constructor(
    private readonly engine: Engine,
    readonly transport: FlakyTransport,
    brains: readonly Brain[],
    limits: { inlineLimitBytes?: number; resultLimitBytes?: number },
  ) {
    this.store = new FrozenSnapshots(engine);
    this.claims = new EmbeddedClaimStore(engine);
    const client = new EventClient(transport);
    const options = {
      events,
      topics: DEFAULT_TOPICS,
      brains: [new PlanBrain(), ...brains],
      retentionMs: 60_000,
      cancelPollMs: 5,
      ...limits,
    };
    const known = new Brains(options.brains);
    this.thinking = new ThinkingSessions(this.store, options);
    this.commander = new CommanderService(
      this.store,
      this.claims,
      client,
      tools,
      known,
      this.thinking,
      options,
    );
    this.sessions = new Sessions(this.store, client, tools, known, this.thinking, options);
    this.inbox = new Inbox(this.store, client, tools, this.sessions, options);
  }

  static async open(
    brains: readonly Brain[] = [],
    limits: { inlineLimitBytes?: number; resultLimitBytes?: number } = {},
    clock?: () => number,
  ): Promise<CommanderRig> {
    const engine = await Engine.open({
      dir: tempDir('commander').path,
      ...(clock === undefined ? {} : { clock }),
    });
    const transport = new FlakyTransport(engine);
    await transport.start(Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions: 4 })));
    const rig = new CommanderRig(engine, transport, brains, limits);
    await rig.collect(DEFAULT_TOPICS.intent, rig.intents);
    await rig.collect(DEFAULT_TOPICS.observation, rig.observations);
    return rig;
  }

  async close(): Promise<void> {
    this.thinking.onApplicationShutdown();
    await this.transport.close();
    await this.store.close();
    await this.claims.close();
    await this.engine.close();
  }

  /** A submitted session, not looked at by the commander yet. */
  async submit(submission: Submission, idempotencyKey?: string): Promise<Snapshot> {
    const key = idempotencyKey === undefined ? {} : { idempotencyKey };
    return (await this.sessions.submit(submission, { ...TENANT, ...key })).snapshot;
  }

  /** Applies the observation of this name that is in the log for the session. */
  async deliver(sessionId: string, name: EventName): Promise<void> {
    const event = await eventually(
      () => this.observations.find((e) => e.subject === sessionId && e.type.endsWith(name)),
      { what: `${name} is in the log` },
    );
    await this.observe(event);
  }

  observe(event: CloudEvent, stopped: AbortSignal = new AbortController().signal): Promise<void> {
    const name = event.type.slice(DEFAULT_TYPE_PREFIX.length + 1) as EventName;
    return this.commander.observe(name, event, () => stopped);
  }

  /** Submitted and begun. */
  async begin(submission: Submission): Promise<Snapshot> {
    const { session_id } = await this.submit(submission);
    await this.deliver(session_id, EVENT_NAMES.sessionCreated);
    return this.load(session_id);
  }

  async load(sessionId: string): Promise<Snapshot> {
    const snapshot = await this.store.load(sessionId);
    if (snapshot === null) throw new Error(`no session ${sessionId}`);
    return snapshot;
  }

  result(snapshot: Snapshot, intent: PendingIntent, outcome: Partial<Outcome> = {}): CloudEvent {
    const { session_id, fixed } = snapshot;
    const answered = {
      intentId: intent.intent_id,
      sessionId: session_id,
      tenant: fixed.tenant,
      traceId: fixed.trace_id,
      tool: intent.tool,
      digest: intent.digest,
    };
    const whole: Outcome = {
      status: 'succeeded',
      result: null,
      error: null,
      attempts: 1,
      started_at: '2026-01-27T10:00:00.000Z',
      duration_ms: 1,
      ...outcome,
    };
    return toolResultEvent(events, answered, whole, Date.now());
  }

  private async collect(topic: string, into: CloudEvent[]): Promise<void> {
    const take = (record: LogRecord): void => {
      const { event } = decodeEvent(record);
      if (event !== undefined) into.push(event);
    };
    await this.transport.subscribe(topic, 'onlooker', {
      assigned: () => undefined,
      lost: () => undefined,
      failed: (error) => {
        throw error;
      },
      records: (_, records) => {
        records.forEach(take);
      },
    });
  }
}
