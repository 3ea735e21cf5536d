import { describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type INestMicroservice,
  Injectable,
  Module,
  type PipeTransform,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { EMPTY, type Observable, of, Subject, throwError } from 'rxjs';
import { type CloudEvent, DormouseError, type EventName, EVENT_NAMES, buildEvent } from '#contracts';
import { ScriptedLog, ScriptedMember, VirtualTime } from '#testing';
import { DeadLetterError } from './dead-letter.js';
import type { Delivery } from './delivery.js';
import { decodeEvent, encodeEvent } from './event-codec.js';
import { EventStrategy } from './event.strategy.js';
import { OriginalErrorFilter } from './original-error.filter.js';
import { PlainArguments } from './plain-arguments.js';
import type { LogRecord } from './port.js';
import { COMMANDER_TRANSPORT, DISPATCHER_TRANSPORT } from './transport.tokens.js';

const CONTEXT = { source: '/test/1', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };
const PREFIX_OF_ANOTHER = { ...CONTEXT, typePrefix: 'com.northeast.ai' };

const eventOf = (name: EventName, sessionId: string, context = CONTEXT): CloudEvent =>
  buildEvent(context, {
    name,
    id: `${sessionId}.${name}`,
    sessionId,
    tenant: 'default',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    atMs: 0,
    data: { session_id: sessionId },
  });

@Module({})
class Served {}

/** A microservice over a scripted log with one partition. */
const serve = async (controllers: Type[], options: { filter?: boolean } = {}) => {
  const time = new VirtualTime();
  const log = new ScriptedLog({ time, random: () => 0.999, maxMetadataBytes: 4_096, batch: 100 }, 1);
  const member = log.member();
  log.assign(0, member);
  const retries: { error: unknown; delayMs: number }[] = [];
  const strategy = new EventStrategy({
    transport: member,
    topic: 'agent.observation',
    group: 'commander_group',
    transportId: COMMANDER_TRANSPORT,
    context: CONTEXT,
    deadLetterTopic: 'agent.dead-letter',
    rejoinMs: 30_000,
    consumer: {
      timers: member.timers,
      random: () => 0,
      backoff: { initialMs: 100, factor: 2, maxMs: 60_000 },
      onRetry: (error, _delivery, delayMs) => retries.push({ error, delayMs }),
    },
  });
  const app: INestMicroservice = await NestFactory.createMicroservice(
    { module: Served, controllers },
    { strategy, logger: false },
  );
  if (options.filter !== false) app.useGlobalFilters(new OriginalErrorFilter());
  const send = (event: CloudEvent): LogRecord => {
    const { key, value, headers } = encodeEvent('agent.observation', event);
    return log.append(0, key, 0, { value, headers: headers ?? {} });
  };
  const close = async () => {
    const closed = app.close();
    await time.run(60_000, () => member.closed);
    await closed;
  };
  return { time, log, member, strategy, app, send, retries, close };
};

/** What handlers of the tests saw and do. */
const seen: string[] = [];
let act: (event: CloudEvent, delivery: Delivery) => unknown = () => undefined;
const doing = (what: typeof act): void => {
  seen.length = 0;
  act = what;
};

@Controller()
class Observer {
  @EventPattern<EventName>(EVENT_NAMES.toolResult, COMMANDER_TRANSPORT)
  result(@Payload() event: CloudEvent, @Ctx() delivery: Delivery): unknown {
    seen.push(`${event.subject ?? ''} ${delivery.deliveries}`);
    return act(event, delivery);
  }

  @EventPattern(EVENT_NAMES.toolCall, DISPATCHER_TRANSPORT)
  call(@Payload() _event: CloudEvent): void {
    seen.push("another strategy's");
  }
}

describe('EventStrategy', () => {
  it('hands an event to the handler of its name, with its delivery', async () => {
    const s = await serve([Observer]);
    const got: unknown[] = [];
    doing((event, delivery) => {
      got.push(
        event,
        delivery.topic,
        delivery.partition,
        delivery.offset,
        delivery.key,
        delivery.signal.aborted,
      );
      got.push(delivery.record.headers);
    });
    await s.app.listen();
    expect(s.strategy.ready).toBe(true);
    const event = eventOf(EVENT_NAMES.toolResult, 'sess-a');
    s.send(event);
    await s.time.run(500);
    expect(got).toEqual([
      event,
      'scripted',
      0,
      0,
      'sess-a',
      false,
      { 'content-type': expect.stringContaining('cloudevents') },
    ]);
    expect(s.strategy.stats).toMatchObject({ finished: 1, unhandled: 0, deadLetters: 0 });
    expect(s.log.positions[0]).toEqual({ offset: 1, metadata: '' });
    await s.close();
    expect(s.strategy.ready).toBe(false);
  });

  it('finishes and counts what nobody here handles: other names, other prefixes, handlers of other strategies', async () => {
    const s = await serve([Observer]);
    doing(() => undefined);
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.cancel, 'sess-a'));
    s.send(eventOf(EVENT_NAMES.toolCall, 'sess-a'));
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a', PREFIX_OF_ANOTHER));
    await s.time.run(500);
    expect(seen).toEqual([]);
    expect(s.strategy.stats).toMatchObject({ finished: 3, unhandled: 3 });
    expect(s.log.positions[0]?.offset).toBe(3);
    await s.close();
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a value', () => 7],
    ['a promise', () => Promise.resolve(7)],
    ['a stream', () => of(1, 2, 3)],
    ['a stream without values', () => EMPTY],
    ['a promise of a stream without values', () => Promise.resolve(EMPTY)],
  ])('takes %s for the end of a handler', async (_what, result) => {
    const s = await serve([Observer]);
    doing(result);
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(1_000);
    expect(seen).toEqual(['sess-a 1']);
    expect(s.strategy.stats).toMatchObject({ finished: 1, retries: 0 });
    await s.close();
  });

  it.each<[string, (error: Error) => unknown]>([
    [
      'throws',
      (error) => {
        throw error;
      },
    ],
    ['rejects', (error) => Promise.reject(error)],
    ['returns a failing stream', (error) => throwError(() => error)],
  ])('calls a handler again that %s, and sees its own error', async (_what, failing) => {
    const s = await serve([Observer]);
    const error = new DormouseError('unavailable', 'the store is down', { retryable: true });
    const hopeless = new DormouseError('internal', 'a bug');
    doing((_event, { deliveries }) =>
      deliveries === 1 ? failing(error) : deliveries === 2 ? failing(hopeless) : undefined,
    );
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(40_000);
    expect(seen).toEqual(['sess-a 1', 'sess-a 2', 'sess-a 3']);
    expect(s.retries.map((r) => r.error)).toEqual([error, hopeless]);
    expect(s.retries.map((r) => r.delayMs)).toEqual([50, 30_000]);
    await s.close();
  });

  it('calls again even where a filter hides the error', async () => {
    const s = await serve([Observer], { filter: false });
    doing((_event, { deliveries }) => {
      if (deliveries === 1) throw new Error('seen by Nest alone');
    });
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(1_000);
    expect(seen).toEqual(['sess-a 1', 'sess-a 2']);
    await s.close();
  });

  it('goes through guards and pipes, and sees their errors', async () => {
    const refusal = new DormouseError('unavailable', 'not yet', { retryable: true });
    let calls = 0;
    @Injectable()
    class Guard implements CanActivate {
      canActivate(): boolean {
        if (++calls === 1) throw refusal;
        return true;
      }
    }
    class Pick implements PipeTransform<CloudEvent, string | undefined> {
      transform(event: CloudEvent): string | undefined {
        return event.subject;
      }
    }
    @Controller()
    class Guarded {
      @UseGuards(Guard)
      @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
      timer(@Payload(new Pick()) subject: string): void {
        seen.push(subject);
      }
    }
    const s = await serve([Guarded]);
    doing(() => undefined);
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.timer, 'sess-a'));
    await s.time.run(1_000);
    expect(seen).toEqual(['sess-a']);
    expect(s.retries.map((r) => r.error)).toEqual([refusal]);
    await s.close();
  });

  it('hands plain arguments to a controller that asks for them, past its guards', async () => {
    let refused = 0;
    @Injectable()
    class Once implements CanActivate {
      canActivate(): boolean {
        return ++refused > 1;
      }
    }
    const got: unknown[] = [];
    @Controller()
    @PlainArguments()
    class Plain {
      @UseGuards(Once)
      @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
      timer(event: CloudEvent, delivery: Delivery): void {
        got.push([event.subject, delivery.deliveries]);
      }
    }
    const s = await serve([Plain]);
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.timer, 'sess-a'));
    await s.time.run(1_000);
    expect(got).toEqual([['sess-a', 2]]);
    await s.close();
  });

  it('keeps several handlers of one name apart: all are waited for, and only those that failed come again', async () => {
    @Controller()
    class Several {
      @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
      empty(@Payload() _event: CloudEvent): Observable<never> {
        seen.push('empty');
        return EMPTY;
      }
      @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
      failing(@Payload() _event: CloudEvent, @Ctx() { deliveries }: Delivery): void {
        seen.push(`failing ${deliveries}`);
        if (deliveries < 3) throw new Error('again');
      }
    }
    @Controller()
    class Slow {
      @EventPattern<EventName>(EVENT_NAMES.timer, COMMANDER_TRANSPORT)
      slow(@Payload() _event: CloudEvent): Promise<void> {
        seen.push('slow');
        return act(_event, undefined as never) as Promise<void>;
      }
    }
    const s = await serve([Several, Slow]);
    let slowEnded = false;
    doing(() => s.time.sleep(5_000).then(() => void (slowEnded = true)));
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.timer, 'sess-a'));
    await s.time.run(4_000);
    expect(seen).toEqual(['empty', 'failing 1', 'slow']);
    expect(s.strategy.stats.inFlight).toBe(1);
    await s.time.run(10_000);
    expect(slowEnded).toBe(true);
    expect(seen).toEqual(['empty', 'failing 1', 'slow', 'failing 2', 'failing 3']);
    expect(s.strategy.stats).toMatchObject({ finished: 1, retries: 2 });
    await s.close();
  });

  it('waits for a stream to end', async () => {
    const s = await serve([Observer]);
    const stream = new Subject<number>();
    doing(() => stream);
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(100);
    stream.next(1);
    await s.time.run(100);
    expect(s.strategy.stats).toMatchObject({ inFlight: 1, finished: 0 });
    stream.complete();
    await s.time.run(100);
    expect(s.strategy.stats.inFlight).toBe(0);
    expect(s.strategy.stats.finished).toBe(1);
    await s.close();
  });

  describe('dead letters', () => {
    const theLetter = (log: ScriptedLog) => {
      expect(log.published).toHaveLength(1);
      const [{ topic, key, value, headers }] = log.published as [(typeof log.published)[0]];
      const { event } = decodeEvent({ value, headers: headers ?? {} });
      return { topic, key, text: value.toString(), event };
    };

    it('are made of records that hold no event, untouched, and the record is finished', async () => {
      const s = await serve([Observer]);
      doing(() => undefined);
      await s.app.listen();
      const value = '{"id": 12345678901234567890, "type":"x", "type":"y"}';
      s.log.append(0, 'sess-a', 3, { value: Buffer.from(value), headers: { 'x-origin': 'élsewhere' } });
      await s.time.run(1_000);
      const { topic, key, text, event } = theLetter(s.log);
      expect({ topic, key }).toEqual({ topic: 'agent.dead-letter', key: 'sess-a' });
      expect(text).toContain(`"data":${value}`);
      expect(event).toMatchObject({
        id: 'scripted.0.3.dead',
        type: 'com.southwest.ai.dead_letter',
        source: '/test/1',
        subject: 'sess-a',
        deploymentid: 'dormouse',
        reason: 'invalid_event',
        error: 'id: expected a text that is not empty, came 12345678901234567000',
        topic: 'scripted',
        partition: 0,
        offset: 3,
        deliveries: 1,
        attempts: 0,
        recordheaders: '{"x-origin":"élsewhere"}',
      });
      expect(s.strategy.stats).toMatchObject({ finished: 1, deadLetters: 1, unhandled: 0 });
      expect(s.log.positions[0]?.offset).toBe(4);
      await s.close();
    });

    it.each([
      ['bytes', Buffer.from([0, 255, 1]), { data_base64: 'AP8B' }],
      ['text', Buffer.from('hello'), { data_base64: 'aGVsbG8=' }],
      ['nothing', null, { data: null }],
    ])('hold %s', async (_what, value, expected) => {
      const s = await serve([Observer]);
      await s.app.listen();
      s.log.append(0, null, 0, { value, headers: {} });
      await s.time.run(1_000);
      const { key, text } = theLetter(s.log);
      const letter = JSON.parse(text) as CloudEvent;
      expect(letter).toMatchObject(expected);
      expect('datacontenttype' in letter).toBe(value === null);
      expect(key).toBe('scripted.0.0.dead');
      await s.close();
    });

    it('are published before their record is finished', async () => {
      const s = await serve([Observer]);
      await s.app.listen();
      const { publish } = s.member;
      let refusals = 0;
      s.member.publish = (records) =>
        ++refusals < 4
          ? Promise.reject(new DormouseError('unavailable', 'x', { retryable: true }))
          : publish.call(s.member, records);
      s.log.append(0, 'a', 0, { value: Buffer.from('x'), headers: {} });
      await s.time.run(100);
      expect(s.strategy.stats).toMatchObject({ finished: 0, deadLetters: 0 });
      await s.time.run(2_000);
      expect(s.strategy.stats).toMatchObject({ finished: 1, deadLetters: 1 });
      expect(JSON.parse(theLetter(s.log).text)).toMatchObject({ deliveries: 4 });
      await s.close();
    });

    it('are made of what a handler gives up, and of nothing else', async () => {
      const s = await serve([Observer]);
      doing((event) => {
        if (event.subject === 'sess-a')
          throw new DeadLetterError('intent_conflict', 'two digests', { attempts: 2 });
        throw new DormouseError('intent_conflict', 'not given up');
      });
      await s.app.listen();
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-b'));
      await s.time.run(1_000);
      const { event } = theLetter(s.log);
      expect(event).toMatchObject({
        reason: 'intent_conflict',
        error: 'two digests',
        attempts: 2,
        // below the same parent as the record's event
        traceparent: eventOf(EVENT_NAMES.toolResult, 'sess-a').traceparent,
        data: eventOf(EVENT_NAMES.toolResult, 'sess-a'),
      });
      expect(s.strategy.stats).toMatchObject({ finished: 1, waiting: 1 });
      await s.close();
    });
  });

  describe('an event of another version', () => {
    const versioned = (sessionId: string, dataschema: string | undefined, more: object = {}): CloudEvent => {
      const { dataschema: _own, ...event } = eventOf(EVENT_NAMES.toolResult, sessionId);
      return { ...event, ...more, ...(dataschema === undefined ? {} : { dataschema }) };
    };

    it.each([
      ['nothing', undefined],
      ['this version', 'urn:dormouse:schema:observation.tool_result/v1'],
      ['a schema of its own', 'https://example.com/schema/v7'],
    ])('is none when it says %s', async (_what, dataschema) => {
      const s = await serve([Observer]);
      doing(() => undefined);
      await s.app.listen();
      s.send(versioned('sess-a', dataschema));
      await s.time.run(1_000);
      expect(s.strategy.stats).toMatchObject({ finished: 1, deadLetters: 0, newerVersion: null });
      await s.close();
    });

    it.each([
      ['no release of ours writes', 'v0', {}],
      ['is no number', 'vNext', {}],
      ['another program says is later', 'v2', { deploymentid: undefined }],
    ])('that %s is a dead letter', async (_what, version, more) => {
      const s = await serve([Observer]);
      doing(() => seen.push('ran'));
      await s.app.listen();
      const event = versioned('sess-a', `urn:dormouse:schema:observation.tool_result/${version}`, more);
      s.send(event);
      await s.time.run(1_000);
      const [{ value }] = s.log.published as [(typeof s.log.published)[0]];
      expect(JSON.parse(value.toString())).toMatchObject({
        reason: 'unknown_version',
        error: expect.stringContaining(`/${version}"`) as unknown,
        traceparent: event.traceparent,
        data: JSON.parse(JSON.stringify(event)) as unknown,
      });
      expect(seen).not.toContain('ran');
      expect(s.strategy.stats).toMatchObject({ finished: 1, deadLetters: 1, newerVersion: null });
      await s.close();
    });

    it('that a later release of ours wrote waits for that, and keeps nobody else', async () => {
      const s = await serve([Observer]);
      doing(() => undefined);
      await s.app.listen();
      s.send(versioned('sess-a', 'urn:dormouse:schema:observation.tool_result/v2'));
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-b'));
      await s.time.run(1_000);
      expect(s.strategy.stats).toMatchObject({ finished: 1, waiting: 1, deadLetters: 0 });
      expect(s.strategy.stats.newerVersion).toMatch(/sess-a.*came version 2.*a release that reads it/);
      expect(s.log.positions[0]?.offset ?? 0).toBe(0);
      await s.close();
    });
  });

  it('tells instruments of the begin and the end of each event, failed ones too', async () => {
    const s = await serve([Observer]);
    doing((_event, { deliveries }) => {
      seen.push('runs');
      if (deliveries === 1) throw new Error('again');
    });
    s.strategy.setOnProcessingStartHook((_id, context, done) => {
      seen.push(`begin ${(context as Delivery).offset}`);
      void done();
    });
    s.strategy.setOnProcessingEndHook((_id, context) => seen.push(`end ${(context as Delivery).offset}`));
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(1_000);
    expect(seen).toEqual(['begin 0', 'sess-a 1', 'runs', 'end 0', 'begin 0', 'sess-a 2', 'runs', 'end 0']);
    expect(s.strategy.stats.finished).toBe(1);
    await s.close();
  });

  it('refuses handlers that want to answer', async () => {
    @Controller()
    class Answering {
      @MessagePattern('question', COMMANDER_TRANSPORT)
      answer(@Payload() _question: unknown): number {
        return 42;
      }
    }
    const s = await serve([Answering]);
    await expect(s.app.listen()).rejects.toThrow(/@EventPattern, not @MessagePattern/);
  });

  it('says when its subscription does not begin', async () => {
    const s = await serve([Observer]);
    s.member.subscribe = () => Promise.reject(new Error('no broker'));
    await expect(s.app.listen()).rejects.toThrow('no broker');
  });

  describe('whose subscription dies', () => {
    const { subscribe } = ScriptedMember.prototype;
    const dying = async () => {
      const s = await serve([Observer]);
      const status: unknown[] = [];
      s.strategy.status.subscribe((x) => status.push(x));
      await s.app.listen();
      return { ...s, status };
    };

    it('says so, begins again after a pause, and is ready when it has finished something', async () => {
      const s = await dying();
      s.member.fail(new Error('a right is missing'));
      expect(s.strategy.ready).toBe(false);
      expect(s.strategy.stats.dead?.message).toBe('a right is missing');
      await s.time.run(29_999);
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.time.run(0);
      expect([s.strategy.stats.finished, s.strategy.ready]).toEqual([0, false]);
      await s.time.run(1_000);
      expect([s.strategy.stats.finished, s.strategy.ready]).toEqual([1, true]);
      expect(s.strategy.stats.dead).toBeNull();
      await s.close();
      expect(s.status).toEqual(['connected', 'dead', 'connected', 'closed']);
    });

    it('is not ready for having begun again, before it has lived for a minute where nothing comes', async () => {
      const s = await dying();
      s.member.fail(new Error('a right is missing'));
      await s.time.run(30_000 + 59_999);
      expect(s.strategy.stats.dead?.message).toBe('a right is missing');
      expect(s.strategy.ready).toBe(false);
      await s.time.run(1);
      expect([s.strategy.stats.dead, s.strategy.ready]).toEqual([null, true]);
      await s.close();
    });

    it('goes on beginning for as long as it dies, or is refused', async () => {
      const s = await dying();
      let begun = 0;
      s.member.subscribe = async function (...args) {
        begun++;
        if (begun === 1) throw new Error('refused');
        return subscribe.apply(this, args);
      };
      s.member.fail(new Error('first'));
      await s.time.run(30_000);
      expect([begun, s.strategy.stats.dead?.message]).toEqual([1, 'refused']);
      await s.time.run(30_000);
      s.member.fail(new Error('second'));
      expect([begun, s.strategy.stats.dead?.message]).toEqual([2, 'second']);
      await s.time.run(30_000);
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.time.run(1_000);
      expect([begun, s.strategy.stats.finished, s.strategy.ready]).toEqual([3, 1, true]);
      await s.close();
    });

    it('does not begin again when it is closed or suspended meanwhile', async () => {
      const s = await dying();
      s.member.fail(new Error('gone'));
      const suspended = s.strategy.suspend();
      await s.time.run(120_000);
      await suspended;
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.time.run(1_000);
      expect(s.strategy.stats.finished).toBe(0);
      await s.strategy.resume();
      s.log.assign(0, s.member);
      await s.time.run(1_000);
      expect([s.strategy.stats.finished, s.strategy.ready]).toEqual([1, true]);
      s.member.fail(new Error('gone again'));
      await s.close();
      await s.time.run(120_000);
      expect(s.strategy.ready).toBe(false);
      expect(s.status).toEqual(['connected', 'dead', 'closed']);
    });

    it('lets what runs go on, and waits for it when it is closed', async () => {
      const s = await dying();
      const ends: string[] = [];
      doing(async () => {
        await s.time.sleep(45_000);
        ends.push('done');
      });
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.time.run(100);
      s.member.fail(new Error('gone'));
      s.log.revoke(0);
      await s.time.run(31_000);
      expect([ends, s.strategy.stats.inFlight]).toEqual([[], 0]);
      let over = false;
      const drained = s.strategy.drain(30_000).then(() => (over = true));
      await s.time.run(10_000);
      expect([ends, over]).toEqual([[], false]);
      await s.time.run(5_000);
      await drained;
      expect(ends).toEqual(['done']);
      await s.close();
    });
  });

  describe('suspended', () => {
    it('leaves its group at once, and takes and acknowledges nothing until it is resumed', async () => {
      const s = await serve([Observer]);
      doing(() => s.time.sleep(60_000));
      await s.app.listen();
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.time.run(20);
      const suspended = s.strategy.suspend();
      await s.time.run(2_000);
      await suspended;
      expect([s.member.closed, s.strategy.ready]).toEqual([true, false]);
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-b'));
      await s.time.run(120_000);
      expect(seen).toEqual(['sess-a 1']);
      expect(s.log.positions[0]?.offset).toBe(0);

      doing(() => undefined);
      await s.strategy.resume();
      s.log.assign(0, s.member);
      await s.time.run(1_000);
      expect(s.strategy.ready).toBe(true);
      expect(seen).toEqual(['sess-a 1', 'sess-b 1']);
      expect(s.log.positions[0]?.offset).toBe(2);
      await s.close();
    });

    it('before it listens, does not join until it is resumed', async () => {
      const s = await serve([Observer]);
      doing(() => undefined);
      await s.strategy.suspend();
      s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
      await s.app.listen();
      await s.time.run(1_000);
      expect([s.strategy.ready, seen]).toEqual([false, []]);
      await s.strategy.resume();
      await s.time.run(1_000);
      expect([s.strategy.ready, seen]).toEqual([true, ['sess-a 1']]);
      await s.close();
    });

    it('stays so when it cannot join, and joins when it is told again', async () => {
      const s = await serve([Observer]);
      await s.app.listen();
      await s.strategy.suspend();
      const { subscribe } = s.member;
      s.member.subscribe = () => Promise.reject(new Error('no broker'));
      await expect(s.strategy.resume()).rejects.toThrow('no broker');
      expect(s.strategy.ready).toBe(false);
      s.member.subscribe = subscribe.bind(s.member);
      await s.strategy.resume();
      expect(s.strategy.ready).toBe(true);
      await s.close();
    });

    it('and drained, or drained while it joins, it is in no group', async () => {
      const s = await serve([Observer]);
      await s.app.listen();
      await s.strategy.suspend();
      const { subscribe } = s.member;
      s.member.subscribe = async (...call) => {
        await s.time.sleep(100);
        return subscribe.apply(s.member, call);
      };
      const resumed = s.strategy.resume();
      const drained = s.strategy.drain();
      await s.time.run(2_000);
      await Promise.all([resumed, drained]);
      expect([s.member.closed, s.strategy.ready]).toEqual([true, false]);
      await s.strategy.resume();
      expect([s.member.closed, s.strategy.ready]).toEqual([true, false]);
      await s.close();
    });
  });

  it('drains once, closed or drained in whichever order', async () => {
    const s = await serve([Observer]);
    doing(() => s.time.sleep(1_000));
    await s.app.listen();
    s.send(eventOf(EVENT_NAMES.toolResult, 'sess-a'));
    await s.time.run(20);
    const ended: string[] = [];
    const all = Promise.all([
      s.strategy.drain(10_000).then(() => ended.push('drain')),
      s.strategy.close().then(() => ended.push('close')),
      s.strategy.drain(0).then(() => ended.push('again')),
    ]);
    await s.time.run(500);
    expect(ended).toEqual([]);
    await s.time.run(2_000);
    await all;
    expect(s.log.positions[0]?.offset).toBe(1);
    await s.close();
  });
});
