import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buildEvent, type CloudEvent, DormouseError, EVENT_NAMES } from '#contracts';
import { Engine } from '#engine';
import { EmbeddedDeliveryLedger } from '#state';
import { eventually, tempDir } from '#testing';
import {
  type BuriedRecord,
  decodeEvent,
  EmbeddedTransport,
  encodeEvent,
  eventNameOf,
  EventStrategy,
  type PoisonOptions,
  SUSPECT_AFTER,
  SuspectError,
} from '#transport';

const TOPIC = 'agent.intent';
const DEAD_LETTERS = 'agent.dead-letter';
const PLACE = { topic: TOPIC, partition: 0 };
const CONTEXT = { source: '/test/1', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };

const recordOf = (id: string) =>
  encodeEvent(
    TOPIC,
    buildEvent(CONTEXT, {
      name: EVENT_NAMES.toolCall,
      id,
      sessionId: `sess-${id}`,
      tenant: 'default',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      atMs: 0,
      data: { session_id: `sess-${id}` },
    }),
  );

interface Process {
  boot: string;
  strategy: EventStrategy;
  publish(...ids: string[]): Promise<unknown>;
  /** as a redrive does */
  release(id: string): Promise<void>;
}

/** What happens to events, in all processes of a test. */
class Scenario {
  readonly dir = tempDir();
  /** `<boot> <event>` for each that a process began, `alone <event>` for each that was tried in a child */
  readonly begun: string[] = [];
  readonly buried: BuriedRecord[] = [];
  /** their handling has no end in the process itself */
  readonly hanging = new Set<string>();
  /** they kill the child in which they are tried */
  readonly deadly = new Set<string>();
  /** owners of its claim that died over it, as that tells: enough to be tried alone */
  readonly carriedOn = new Map<string, number>();
  /** calls of the store of deliveries, by name */
  asked: string[] = [];
  /** so many of the next calls of it fail */
  outage = 0;
  private boots = 0;
  private end: ((inOrder: boolean) => Promise<void>) | undefined;

  /** A process, over what the ones before left. */
  async start(): Promise<Process> {
    const boot = `boot-${++this.boots}`;
    const engine = await Engine.open({ dir: this.dir.path });
    const transport = new EmbeddedTransport(engine);
    await transport.start([TOPIC, DEAD_LETTERS].map((topic) => ({ topic, partitions: 1 })));
    const ledger = new EmbeddedDeliveryLedger(engine, 60_000);
    this.asked = [];
    const strategy = new EventStrategy({
      transport,
      topic: TOPIC,
      group: 'dispatcher_group',
      transportId: Symbol(boot),
      context: CONTEXT,
      deadLetterTopic: DEAD_LETTERS,
      onBuried: async (buried) => void this.buried.push(buried),
      poison: { boot, deliveries: this.observed(ledger), trial: { run: (record) => this.tryAlone(record) } },
      consumer: { order: 'none', commitIntervalMs: 5, idleCommitMs: 1 },
    });
    strategy.addHandler(EVENT_NAMES.toolCall, ({ id }: CloudEvent) => this.handle(boot, id), true);
    await new Promise<void>((resolve, reject) => {
      strategy.listen((error) => {
        if (error === undefined) resolve();
        else reject(new Error('it does not listen', { cause: error }));
      });
    });
    this.end = async (inOrder) => {
      if (!inOrder) await engine.abandon();
      await strategy.drain(0).catch(() => undefined);
      if (!inOrder) return;
      await ledger.leave(boot);
      await engine.close();
    };
    return {
      boot,
      strategy,
      publish: (...ids) => transport.publish(ids.map(recordOf)),
      release: (id) => {
        const record = { ...recordOf(id), ...PLACE, offset: 0, timestampMs: 0, headers: {} };
        return ledger.release(PLACE, eventNameOf(record, CONTEXT.deployment));
      },
    };
  }

  /** As `kill -9` ends it. */
  async die(): Promise<void> {
    await this.end?.(false);
    this.end = undefined;
  }

  async stop(): Promise<void> {
    await this.end?.(true);
    this.end = undefined;
  }

  begins(line: string): Promise<unknown> {
    return eventually(() => this.begun.includes(line), { what: `${line} is begun` });
  }

  /** Processes that die over these, one after the other. */
  async deaths(count: number, ...ids: string[]): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { boot } = await this.start();
      for (const id of ids) await this.begins(`${boot} ${id}`);
      await this.die();
    }
  }

  private async handle(boot: string, id: string): Promise<void> {
    const deaths = this.carriedOn.get(id);
    if (deaths !== undefined) throw new SuspectError(id, deaths);
    this.begun.push(`${boot} ${id}`);
    if (this.hanging.has(id)) await new Promise(() => undefined);
  }

  private async tryAlone(
    record: Parameters<PoisonOptions['trial']['run']>[0],
  ): Promise<'finished' | 'killed'> {
    const id = decodeEvent(record).event?.id ?? '';
    this.begun.push(`alone ${id}`);
    const deaths = this.carriedOn.get(id);
    // its claim counts what its child dies of
    if (deaths !== undefined && this.deadly.has(id)) this.carriedOn.set(id, deaths + 1);
    return this.deadly.has(id) ? 'killed' : 'finished';
  }

  private observed(ledger: EmbeddedDeliveryLedger): PoisonOptions['deliveries'] {
    return new Proxy(ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          this.asked.push(String(name));
          if (this.outage > 0) {
            this.outage--;
            return Promise.reject(new DormouseError('unavailable', 'the store is away', { retryable: true }));
          }
          return Reflect.apply(value, target, args);
        };
      },
    });
  }
}

describe('the gate before records that processes died over', () => {
  let scenario: Scenario;
  beforeEach(() => {
    scenario = new Scenario();
  });
  afterEach(async () => {
    await scenario.stop();
    scenario.dir.remove();
  });
  const many = Array.from({ length: 200 }, (_, i) => `many-${i}`);

  it('asks the store once for a partition, and for no record, as long as no process died', async () => {
    const first = await scenario.start();
    await first.publish(...many, 'last');
    await eventually(() => first.strategy.stats.finished === 201);
    expect(scenario.asked).toEqual(['take']);
    // one that stopped in order left something unfinished
    scenario.hanging.add('left');
    await first.publish('left');
    await scenario.begins(`${first.boot} left`);
    await scenario.stop();
    const second = await scenario.start();
    await second.publish('other');
    await scenario.begins(`${second.boot} left`);
    await scenario.begins(`${second.boot} other`);
    expect(scenario.asked).toEqual(['take']);
  });

  it('asks again, with each record, when the store was away as the partition came', async () => {
    scenario.outage = 3;
    const first = await scenario.start();
    await first.publish('one', 'two');
    await scenario.begins(`${first.boot} one`);
    await scenario.begins(`${first.boot} two`);
    expect(new Set(scenario.asked)).toEqual(new Set(['take']));
    expect(scenario.asked.length).toBeGreaterThan(3);
  });

  it('counts in one write what was there when a process died, each event once, and nothing that came later', async () => {
    scenario.hanging.add('slow');
    const first = await scenario.start();
    await first.publish(...many, 'slow', 'slow');
    await scenario.begins(`${first.boot} slow`);
    await scenario.die();
    const second = await scenario.start();
    await scenario.begins(`${second.boot} slow`);
    expect(scenario.asked.filter((name) => name !== 'count')).toEqual(['take']);
    expect(scenario.asked.length).toBeLessThan(5);
    await scenario.die();
    scenario.hanging.clear();
    const third = await scenario.start();
    await eventually(() => third.strategy.stats.finished > 0);
    await scenario.begins(`${third.boot} slow`);
    const counted = scenario.asked.length;
    await scenario.stop();
    // nobody died since
    const fourth = await scenario.start();
    await fourth.publish(...many);
    await eventually(() => fourth.strategy.stats.finished >= 200);
    expect(scenario.asked).toEqual(['take']);
    expect(counted).toBeLessThan(5);
  });

  it('makes a dead letter of the one that kills alone as well, untouched, and of none that was near it', async () => {
    const near = ['near-1', 'near-2', 'near-3', 'near-4'];
    for (const id of [...near, 'poison']) scenario.hanging.add(id);
    scenario.deadly.add('poison');
    const first = await scenario.start();
    await first.publish('near-1', 'near-2', 'poison', 'near-3', 'near-4');
    for (const id of [...near, 'poison']) await scenario.begins(`${first.boot} ${id}`);
    await scenario.die();
    await scenario.deaths(4, ...near, 'poison');
    for (const id of near) scenario.hanging.delete(id);
    const last = await scenario.start();
    await last.publish('new');
    await eventually(() => last.strategy.stats.finished === 6);
    expect(scenario.buried.map(({ record }) => decodeEvent(record).event?.id)).toEqual(['poison']);
    const [letter] = scenario.buried;
    expect(letter?.facts).toMatchObject({ reason: 'poison', deliveries: 7, attempts: 0 });
    expect(letter?.record.value).toEqual(recordOf('poison').value);
    // it was tried twice alone and never again here; those behind it in the line weren't tried at all
    expect(scenario.begun.filter((line) => line === 'alone poison')).toHaveLength(2);
    expect(scenario.begun).not.toContain(`${last.boot} poison`);
    for (const id of ['near-1', 'near-2'])
      expect(scenario.begun.filter((line) => line === `alone ${id}`)).toHaveLength(1);
    for (const id of ['near-3', 'near-4']) {
      expect(scenario.begun).not.toContain(`alone ${id}`);
      expect(scenario.begun).toContain(`${last.boot} ${id}`);
    }
    expect(scenario.begun).toContain(`${last.boot} new`);
  });

  it('runs no copy of a dead letter until it is released', async () => {
    scenario.hanging.add('poison').add('near');
    scenario.deadly.add('poison');
    const first = await scenario.start();
    await first.publish('poison', 'near');
    await scenario.begins(`${first.boot} near`);
    await scenario.die();
    await scenario.deaths(4, 'poison', 'near');
    const sixth = await scenario.start();
    await eventually(() => scenario.buried.length === 1);
    await sixth.publish('poison', 'after');
    await scenario.begins(`${sixth.boot} after`);
    await scenario.die();
    scenario.hanging.clear();
    const seventh = await scenario.start();
    await seventh.publish('poison', 'later');
    await scenario.begins(`${seventh.boot} later`);
    expect(scenario.begun.filter((line) => line.endsWith(' poison'))).toHaveLength(7);
    expect(scenario.buried).toHaveLength(1);
    await seventh.release('poison');
    await seventh.publish('poison');
    await scenario.begins(`${seventh.boot} poison`);
    expect(scenario.buried).toHaveLength(1);
  });

  describe('a run that its claim carries on, and whose owners died over it', () => {
    beforeEach(() => {
      scenario.carriedOn.set('run', SUSPECT_AFTER);
    });

    it('is tried alone, though no process has died over its record, and goes on when it kills nothing', async () => {
      const process = await scenario.start();
      await process.publish('run');
      await eventually(() => process.strategy.stats.finished === 1);
      expect(scenario.begun).toEqual(['alone run']);
      expect(scenario.buried).toEqual([]);
    });

    it('is a dead letter when it kills alone as well, and no copy of it is until it is released', async () => {
      scenario.deadly.add('run');
      const process = await scenario.start();
      await process.publish('run', 'run', 'other');
      await eventually(() => process.strategy.stats.finished === 3);
      expect(scenario.begun.filter((line) => line === 'alone run')).toHaveLength(2);
      expect(scenario.buried.map(({ facts }) => facts)).toMatchObject([
        { reason: 'poison', deliveries: 7, attempts: 0 },
      ]);
      await process.release('run');
      scenario.carriedOn.clear();
      await process.publish('run');
      await scenario.begins(`${process.boot} run`);
    });
  });
});
