import { describe, expect, it } from '@jest/globals';
import { Engine } from '#engine';
import { eventually, seededRandom, tempDir } from '#testing';
import { EmbeddedTransport, KeyOrderedConsumer, type LogRecord } from '#transport';

const TOPIC = 'agent.observation';
const GROUP = 'commander_group';
const never = new Promise<void>(() => undefined);
const RECORDS = 2_000;
const KEYS = 60;

describe('the key-ordered consumer on the embedded log', () => {
  it('loses nothing and keeps every order through crashes and drains', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    console.log(`seed ${seed} (SEED=${seed} repeats it)`);
    const random = seededRandom(seed);
    const dir = tempDir();
    const finished = new Map<string, number[]>();
    const wrong: string[] = [];
    let runs = 0;

    const open = async () => {
      const engine = await Engine.open({ dir: dir.path });
      const transport = new EmbeddedTransport(engine);
      await transport.start([{ topic: TOPIC, partitions: 4 }]);
      let over = false;
      const dead = () => over;
      const consumer = new KeyOrderedConsumer({
        transport,
        topic: TOPIC,
        group: GROUP,
        maxInFlight: 20,
        maxQueued: 100,
        maxQueuedPerKey: 10,
        commitIntervalMs: 20,
        idleCommitMs: 2,
        backoff: { initialMs: 1, factor: 2, maxMs: 5 },
        handler: async ({ key, value }: LogRecord) => {
          if (dead()) return never;
          runs++;
          const n = Number(value);
          const mine = finished.get(key ?? '') ?? [];
          finished.set(key ?? '', mine);
          // 0, 1, 2, …: none is begun before the one below it has ended
          if (n > 0 && !mine.includes(n - 1)) wrong.push(`${key}: ${n} before ${n - 1}`);
          if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 4));
          // a process that is dead ends nothing
          if (dead()) return never;
          if (random() < 0.05) throw new Error('again');
          if (!mine.includes(n)) mine.push(n);
          return undefined;
        },
      });
      await consumer.start();
      const crash = async () => {
        over = true;
        await engine.abandon();
        // its timers would outlive the test; what it still commits is refused
        void consumer.drain(0).catch(() => undefined);
      };
      const close = async () => {
        await consumer.drain(5_000);
        await transport.close();
        await engine.close();
      };
      return { transport, consumer, crash, close };
    };
    const total = () => [...finished.values()].reduce((sum, list) => sum + list.length, 0);

    let running = await open();
    const written = new Map<string, number>();
    for (let i = 0; i < RECORDS; i += 50) {
      const batch = Array.from({ length: 50 }, () => {
        const key = `sess-${Math.floor(random() * KEYS)}`;
        const n = written.get(key) ?? 0;
        written.set(key, n + 1);
        return { topic: TOPIC, key, value: Buffer.from(String(n)) };
      });
      await running.transport.publish(batch);
      if (random() < 0.25) {
        await (random() < 0.5 ? running.crash() : running.close());
        running = await open();
      }
    }
    await eventually(() => total() === RECORDS, { timeoutMs: 30_000, what: `${RECORDS} records` });
    expect(wrong).toEqual([]);
    for (const [key, count] of written) {
      expect({ key, n: finished.get(key) }).toEqual({ key, n: Array.from({ length: count }, (_, n) => n) });
    }
    const lag = () => running.transport.lag(TOPIC, GROUP);
    await eventually(async () => (await lag()).every((p) => p.committed === p.end), { what: 'no lag' });
    await running.close();

    // what is finished stays finished
    const before = runs;
    running = await open();
    const last = { topic: TOPIC, key: 'sess-last', value: Buffer.from('0') };
    await running.transport.publish([last]);
    await eventually(() => finished.has('sess-last') && finished.get('sess-last')?.length === 1);
    expect(running.consumer.stats.skipped).toBe(0);
    expect(runs - before).toBeLessThanOrEqual(1 + running.consumer.stats.retries);
    await running.close();
    dir.remove();
  });
});
