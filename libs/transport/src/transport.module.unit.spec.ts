import { describe, expect, it } from '@jest/globals';
import {
  type BeforeApplicationShutdown,
  Controller,
  Global,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EMPTY, lastValueFrom } from 'rxjs';
import {
  type CloudEvent,
  DormouseError,
  EVENT_NAMES,
  type EventContext,
  type EventName,
  buildEvent,
} from '#contracts';
import { ScriptedLog, VirtualTime } from '#testing';
import type { Delivery } from './delivery.js';
import { EventStrategies } from './event-strategies.js';
import { EventClient } from './event.client.js';
import { encodeEvent } from './event-codec.js';
import { Transport } from './port.js';
import { TransportModule } from './transport.module.js';
import { EVENT_CONTEXT, COMMANDER_TRANSPORT } from './transport.tokens.js';

const CONTEXT: EventContext = { source: '/test/1', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };
const event = (sessionId: string, step = 0): CloudEvent =>
  buildEvent(CONTEXT, {
    name: EVENT_NAMES.toolResult,
    id: `${sessionId}.${step}`,
    sessionId,
    tenant: 'default',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    atMs: 0,
    data: { session_id: sessionId },
  });

const scripted = () => {
  const time = new VirtualTime();
  const log = new ScriptedLog({ time, random: () => 0.999, maxMetadataBytes: 4_096, batch: 100 }, 1);
  const member = log.member();
  return { time, log, member };
};

describe('EventClient', () => {
  it('publishes events in their order, each whole, under its session', async () => {
    const { log, member } = scripted();
    const client = new EventClient(member);
    await client.publish('agent.intent', [event('a', 1), event('b', 1), event('a', 2)]);
    expect(log.published).toEqual(
      [event('a', 1), event('b', 1), event('a', 2)].map((e) => encodeEvent('agent.intent', e)),
    );
    await client.publish('agent.intent', []);
    expect(log.published).toHaveLength(3);
  });

  it('rejects as the log does', async () => {
    const { member } = scripted();
    const down = new DormouseError('unavailable', 'down', { retryable: true });
    member.publish = () => Promise.reject(down);
    await expect(new EventClient(member).publish('t', [event('a')])).rejects.toBe(down);
  });

  it('emits, whether anybody waits for it or not', async () => {
    const { log, member } = scripted();
    const client = new EventClient(member);
    expect(await lastValueFrom(client.emit('agent.observation', event('a')))).toBeUndefined();
    client.emit('agent.observation', event('b'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.published.map((r) => [r.topic, r.key])).toEqual([
      ['agent.observation', 'a'],
      ['agent.observation', 'b'],
    ]);
  });

  it.each([
    ['no event', 'agent.observation', { hello: 'world' }, 'id: expected'],
    ['a text', 'agent.observation', 'hello', 'expected a CloudEvent, came string'],
    [
      'no session',
      'agent.observation',
      { id: '1', type: 't', source: '/s' },
      'neither partitionkey nor subject',
    ],
    ['no topic', { cmd: 'x' }, event('a'), 'the topic is a text'],
  ])('refuses to emit %s', async (_what, pattern, data, message) => {
    const { log, member } = scripted();
    await expect(lastValueFrom(new EventClient(member).emit(pattern, data))).rejects.toThrow(message);
    expect(log.published).toEqual([]);
  });

  it('refuses requests: events have no answers', async () => {
    const { member } = scripted();
    await expect(lastValueFrom(new EventClient(member).send('agent.intent', event('a')))).rejects.toThrow(
      'no answers',
    );
  });
});

describe('TransportModule', () => {
  it('gives every module the started transport, the client and the context', async () => {
    const { member } = scripted();
    @Injectable()
    class Role {
      constructor(
        readonly client: EventClient,
        readonly transport: Transport,
        @Inject(EVENT_CONTEXT) readonly context: EventContext,
      ) {
        expect(member.startedWith).toEqual([{ topic: 't', partitions: 2 }]);
      }
    }
    @Module({ providers: [Role] })
    class RoleModule {}
    const ENGINE = Symbol('engine');
    @Global()
    @Module({ providers: [{ provide: ENGINE, useValue: member }], exports: [ENGINE] })
    class EngineModule {}
    @Module({
      imports: [
        EngineModule,
        RoleModule,
        TransportModule.forRoot({
          transport: { inject: [ENGINE], useFactory: (engine: typeof member) => engine },
          topics: [{ topic: 't', partitions: 2 }],
          context: CONTEXT,
        }),
      ],
    })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    const role = app.get(Role);
    expect(role.transport).toBe(member);
    expect(role.context).toBe(CONTEXT);
    expect(role.client).toBeInstanceOf(EventClient);
    await app.close();
    expect(member.closed).toBe(true);
  });

  it('stops the start when the transport does not start', async () => {
    const { member } = scripted();
    member.start = () => Promise.reject(new DormouseError('unavailable', 'no broker at localhost:9092'));
    @Module({ imports: [TransportModule.forRoot({ transport: member, topics: [], context: CONTEXT })] })
    class App {}
    await expect(
      NestFactory.createApplicationContext(App, { logger: false, abortOnError: false }),
    ).rejects.toThrow('no broker');
  });

  it('drains before anything that handlers need is closed, and runs the hooks once', async () => {
    const { time, log, member } = scripted();
    log.assign(0, member);
    const order: string[] = [];
    const close = member.close.bind(member);
    member.close = async () => {
      // its subscription, then the transport itself
      order.push(member.closed ? 'transport closed' : 'group left');
      await close();
    };
    @Injectable()
    class Store implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
      open = false;
      onModuleInit(): void {
        order.push('store opened');
        this.open = true;
      }
      beforeApplicationShutdown(): void {
        order.push('about to close');
      }
      onApplicationShutdown(): void {
        order.push('store closed');
        this.open = false;
      }
    }
    @Controller()
    class Handlers {
      constructor(private readonly store: Store) {}
      @EventPattern<EventName>(EVENT_NAMES.toolResult, COMMANDER_TRANSPORT)
      async handle(@Payload() _event: CloudEvent, @Ctx() delivery: Delivery): Promise<unknown> {
        order.push(`begun ${delivery.offset} store ${this.store.open}`);
        await time.sleep(1_000);
        order.push(`ended ${delivery.offset} store ${this.store.open}`);
        if (delivery.offset === 1) throw refusal;
        return EMPTY;
      }
    }
    const refusal = new Error('original');
    // the store's module comes first and is closed first, as far as Nest is concerned
    @Module({ providers: [Store], controllers: [Handlers] })
    class Role {}
    @Module({ imports: [Role, TransportModule.forRoot({ transport: member, topics: [], context: CONTEXT })] })
    class App {}
    const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false, abortOnError: false });
    const errors: unknown[] = [];
    const strategies = app.get(EventStrategies);
    const strategy = strategies.connect(app, {
      topic: 'agent.observation',
      group: 'commander_group',
      transportId: COMMANDER_TRANSPORT,
      deadLetterTopic: 'agent.dead-letter',
      consumer: { timers: member.timers, onRetry: (error) => errors.push(error) },
    });
    expect(strategies.ready).toBe(false);
    await app.init();
    await app.startAllMicroservices();
    expect(strategies.ready).toBe(true);
    for (const session of ['a', 'b']) {
      const { value, key } = encodeEvent('agent.observation', event(session));
      log.append(0, key, 0, { value, headers: {} });
    }
    await time.run(1_500, () => errors.length > 0);
    // the filter of `connect`: the error is the handler's own
    expect(errors).toEqual([refusal]);
    await time.run(200);
    const closed = app.close();
    await time.run(60_000, () => order.includes('transport closed'));
    await closed;
    expect(order).toEqual([
      'store opened',
      'begun 0 store true',
      'begun 1 store true',
      'ended 0 store true',
      'ended 1 store true',
      'begun 1 store true',
      'ended 1 store true',
      'group left',
      'about to close',
      expect.stringMatching(/closed/),
      expect.stringMatching(/closed/),
    ]);
    expect(log.positions[0]?.offset).toBe(1);
    expect(strategy.ready).toBe(false);
  });
});
