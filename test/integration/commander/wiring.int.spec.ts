import { describe, expect, it } from '@jest/globals';
import { Controller, Global, Module } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  type CloudEvent,
  DEFAULT_GROUPS,
  DEFAULT_TOPICS,
  DEFAULT_TYPE_PREFIX,
  EVENT_NAMES,
  type EventName,
  type ToolCallData,
  ToolCatalogue,
  toolResultEvent,
} from '#contracts';
import { CommanderModule, PlanBrain, Sessions, SessionsModule } from '#commander';
import { Engine } from '#engine';
import { ClaimStore, EmbeddedClaimStore } from '#idempotency';
import {
  DeadLetterStore,
  DeliveryLedger,
  EmbeddedDeadLetterStore,
  EmbeddedDeliveryLedger,
  EmbeddedSessionStore,
  SessionStore,
} from '#state';
import { eventually, NamedTools, tempDir } from '#testing';
import {
  COMMANDER_TRANSPORT,
  type Delivery,
  DISPATCHER_TRANSPORT,
  EmbeddedTransport,
  EventClient,
  EventStrategies,
  TransportModule,
} from '#transport';

const events = { source: '/commander/wired', typePrefix: DEFAULT_TYPE_PREFIX, deployment: 'wired' };

/** Answers every intent with its parameters, as a worker of others does. */
@Controller()
class Echo {
  constructor(private readonly client: EventClient) {}

  @EventPattern<EventName>(EVENT_NAMES.toolCall, DISPATCHER_TRANSPORT)
  async toolCall(@Payload() event: CloudEvent<ToolCallData>, @Ctx() _delivery: Delivery): Promise<void> {
    const { session_id, trace_id = '', tool_name, parameters } = event.data!;
    const intent = {
      intentId: event.id,
      sessionId: session_id,
      tenant: 'default',
      traceId: trace_id,
      tool: tool_name,
    };
    const outcome = {
      status: 'succeeded',
      result: parameters as Record<string, never>,
      error: null,
      attempts: 1,
      started_at: event.time!,
      duration_ms: 0,
    } as const;
    const answer = toolResultEvent(events, { ...intent, digest: '' }, outcome, Date.now());
    const { digest: _, ...data } = answer.data!;
    await this.client.publish(DEFAULT_TOPICS.observation, [{ ...answer, data }]);
  }
}

describe('the modules in one application', () => {
  it('carry sessions from submission to result over the log', async () => {
    const engine = await Engine.open({ dir: tempDir('wiring').path });
    @Global()
    @Module({
      providers: [
        { provide: SessionStore, useValue: new EmbeddedSessionStore(engine) },
        { provide: ClaimStore, useValue: new EmbeddedClaimStore(engine) },
        { provide: DeadLetterStore, useValue: new EmbeddedDeadLetterStore(engine, 60_000) },
        { provide: DeliveryLedger, useValue: new EmbeddedDeliveryLedger(engine, 60_000) },
        { provide: ToolCatalogue, useValue: new NamedTools([{ name: 'echo' }]) },
      ],
      exports: [SessionStore, ClaimStore, DeadLetterStore, DeliveryLedger, ToolCatalogue],
    })
    class Stores {}
    const module = await Test.createTestingModule({
      imports: [
        Stores,
        TransportModule.forRoot({
          transport: new EmbeddedTransport(engine),
          topics: Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions: 4 })),
          context: events,
        }),
        SessionsModule.forRoot({
          events,
          topics: DEFAULT_TOPICS,
          brains: [new PlanBrain()],
          retentionMs: 60_000,
        }),
        CommanderModule,
      ],
      controllers: [Echo],
    }).compile();
    const app = module.createNestApplication(new FastifyAdapter());
    const strategies = app.get(EventStrategies);
    const shared = { deadLetterTopic: DEFAULT_TOPICS.deadLetter };
    strategies.connect(app, {
      ...shared,
      topic: DEFAULT_TOPICS.observation,
      group: DEFAULT_GROUPS.commander,
      transportId: COMMANDER_TRANSPORT,
    });
    strategies.connect(app, {
      ...shared,
      topic: DEFAULT_TOPICS.intent,
      group: DEFAULT_GROUPS.dispatcher,
      transportId: DISPATCHER_TRANSPORT,
    });
    await app.init();
    await app.startAllMicroservices();
    const sessions = app.get(Sessions);
    const submitted = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        sessions.submit(
          {
            plan: {
              steps: [
                { id: 'a', tool: 'echo', parameters: { n } },
                { id: 'b', tool: 'echo', parameters: { twice: [{ $ref: 'a', pointer: '/n' }] } },
                { id: 'c', tool: 'echo', after: ['a'], parameters: { whole: { $ref: 'a' } } },
              ],
            },
          },
          { tenant: 'default' },
        ),
      ),
    );
    for (const [n, { snapshot }] of submitted.entries()) {
      const done = await eventually(async () => {
        const now = await sessions.get(snapshot.session_id, { tenant: 'default' });
        return now.status === 'completed' && sessions.view(now);
      });
      expect(done.result).toEqual({ a: { n }, b: { twice: [n] }, c: { whole: { n } } });
      expect(done.usage).toMatchObject({ tool_calls: 3 });
    }
    await app.close();
    await engine.close();
  });
});
