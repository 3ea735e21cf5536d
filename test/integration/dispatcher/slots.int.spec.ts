import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CloudEvent, type ToolCallData } from '#contracts';
import { eventually } from '#testing';
import { deferred, DispatcherBed, killedAt, LEASE_MS, type Process, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

/** A tool whose runs the test ends, by their number; it counts how many run at once. */
class Gated {
  running = 0;
  most = 0;
  readonly begun: string[] = [];
  private readonly gates: { name: string; open: () => void }[] = [];

  definition(limit: number, more = {}) {
    return tool(
      'narrow',
      'irreversible',
      async ({ name }: { name: string }, { signal }: { signal: AbortSignal }) => {
        const gate = deferred<string>();
        const abort = () => {
          gate.reject(signal.reason);
        };
        signal.addEventListener('abort', abort);
        this.gates.push({ name, open: () => gate.resolve(name) });
        this.begun.push(name);
        this.most = Math.max(this.most, ++this.running);
        try {
          return await gate.promise;
        } finally {
          this.running--;
        }
      },
      { concurrency: limit, timeoutMs: 600_000, ...more },
    );
  }

  open(name: string): void {
    const gate = this.gates.find((one) => one.name === name);
    if (gate === undefined) throw new Error(`${name} doesn't run`);
    gate.open();
  }
}

const narrow = (name: string, more = {}): Promise<CloudEvent<ToolCallData>> =>
  bed.intent('narrow', { parameters: { name }, deadlineMs: 600_000, ...more });
const ends = (process: Process) => process.published.map(({ data }) => [data?.result, data?.status]);

describe('a concurrency of a tool', () => {
  it('holds for all processes together, and the one who has waited longest is next', async () => {
    const gated = new Gated();
    const [a, b] = [bed.process([gated.definition(2)]), bed.process([gated.definition(2)])];
    const events: CloudEvent<ToolCallData>[] = [];
    for (let n = 0; n < 6; n++) {
      events.push(await narrow(`n${n}`));
      await bed.clock.advance(1);
    }
    const first = [a, b].map((process, i) => process.run(events[i]!));
    await eventually(() => gated.begun.length === 2);
    // the younger ones come first
    const rest = [5, 4, 3, 2].map((n) => [b, a][n % 2]!.run(events[n]!));
    await eventually(() => a.executor.waitingForSlots + b.executor.waitingForSlots === 4);
    for (const n of [2, 3, 4, 5]) {
      gated.open(`n${n - 2}`);
      await bed.advanceUntil(() => gated.begun.length === n + 1, 100);
    }
    gated.open('n4');
    gated.open('n5');
    await bed.advanceUntil(() => a.published.length + b.published.length === 6, 100);
    await Promise.all([...first, ...rest]);
    expect(gated.most).toBe(2);
    expect(gated.begun.slice(2)).toEqual(['n2', 'n3', 'n4', 'n5']);
  });

  it('keeps no place and no time from other tools, and waits without asking the store over and over', async () => {
    const gated = new Gated();
    let takes = 0;
    const slots = new Proxy(bed.slots, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'take') takes++;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const process = bed.process([gated.definition(1), tool('wide', 'idempotent', () => 1)], {
      concurrency: 2,
      slots,
    });
    const names = Array.from({ length: 50 }, (_, n) => `n${n}`);
    const running: Promise<void>[] = [];
    for (const name of names) running.push(process.run(await narrow(name)));
    await eventually(() => process.executor.waitingForSlots === 49);
    await process.run(await bed.intent('wide', { effect: 'idempotent' }));
    const before = takes;
    await bed.advanceUntil(() => takes >= before + 4, 100);
    // 49 wait, and one of them asks, about four times a second
    const asked = takes;
    const since = bed.clock.now();
    await bed.advanceUntil(() => bed.clock.now() - since >= 3_000, 100);
    expect(takes - asked).toBeLessThanOrEqual(30);
    for (const [n, name] of names.entries()) {
      await bed.advanceUntil(() => gated.begun.length === n + 1, 10);
      gated.open(name);
    }
    await Promise.all(running);
    expect({ most: gated.most, ended: process.published.length }).toEqual({ most: 1, ended: 51 });
  });

  it('frees the slot of a process that died, when its lease is over', async () => {
    const gated = new Gated();
    const [dies, next] = [bed.process([gated.definition(1)]), bed.process([gated.definition(1)])];
    void dies.run(await narrow('dies'));
    await eventually(() => gated.begun.length === 1);
    const begunAt = bed.clock.now();
    dies.freeze();
    const running = next.run(await narrow('next'));
    await bed.advanceUntil(() => gated.begun.length === 2, 100);
    expect(bed.clock.now() - begunAt).toBeGreaterThanOrEqual(LEASE_MS);
    gated.open('next');
    await running;
    expect(ends(next)).toEqual([['next', 'succeeded']]);
  });

  it.each(['before', 'after'] as const)(
    'loses no intent to a crash at the taking of the slot (%s it)',
    async (when) => {
      const gated = new Gated();
      let killed = false;
      const dies: Process = bed.process([gated.definition(1)], {
        slots: killedAt(bed.slots, 'take', when, () => {
          killed = true;
          dies.freeze();
        }),
      });
      const event = await narrow('n');
      void dies.run(event);
      await eventually(() => killed);
      const next = bed.process([gated.definition(1)]);
      const running = next.run(event);
      await bed.advanceUntil(() => gated.begun.length === 1, 500);
      gated.open('n');
      await running;
      expect(ends(next)).toEqual([['n', 'succeeded']]);
    },
  );

  it('gives the slot back when an attempt has ended, while the next one is waited for', async () => {
    let tries = 0;
    const process = bed.process([
      tool(
        'narrow',
        'idempotent',
        ({ name }: { name: string }) => {
          if (name === 'fails' && ++tries === 1) throw new Error('not now');
          return name;
        },
        { concurrency: 1, retry: { maxAttempts: 2, initialMs: 1_000, factor: 1, maxMs: 1_000 } },
      ),
    ]);
    const failing = process.run(await narrow('fails', { effect: 'idempotent' }));
    await eventually(() => tries === 1);
    await process.run(await narrow('other', { effect: 'idempotent' }));
    expect(ends(process)).toEqual([['other', 'succeeded']]);
    await bed.advanceUntil(() => process.published.length === 2, 200);
    await failing;
  });

  it('lets a seal end the waiting: what waits for a slot never runs', async () => {
    const gated = new Gated();
    const process = bed.process([gated.definition(1)]);
    const running = process.run(await narrow('runs'));
    await eventually(() => gated.begun.length === 1);
    const event = await narrow('waits');
    const waiting = process.run(event);
    await eventually(() => process.executor.waitingForSlots === 1);
    expect((await bed.seal(event)).kind).toBe('sealed');
    await bed.advanceUntil(() => process.published.length === 1, 200);
    await waiting;
    gated.open('runs');
    await running;
    expect(gated.begun).toEqual(['runs']);
    expect(ends(process)).toEqual([
      [null, 'cancelled'],
      ['runs', 'succeeded'],
    ]);
  });

  it('leaves those to their claims that come to a crowd, and they are served when it is gone, oldest first', async () => {
    const gated = new Gated();
    const process = bed.process([gated.definition(1), tool('wide', 'idempotent', () => 1)]);
    const running = [process.run(await narrow('n0'))];
    await eventually(() => gated.begun.length === 1);
    const events: CloudEvent<ToolCallData>[] = [];
    for (let n = 1; n <= 201; n++) {
      events.push(await narrow(`n${n}`));
      await bed.clock.advance(1);
    }
    // the oldest comes last, and takes the place of the youngest
    const [oldest, ...others] = events;
    const left = new Set<number>();
    others.forEach((event, n) => {
      running.push(process.run(event).then(() => void left.add(n + 2)));
    });
    await eventually(() => process.executor.waitingForSlots === 200);
    running.push(process.run(oldest!));
    await eventually(() => left.size === 1);
    expect([...left]).toEqual([201]);
    const put = await bed.claimOf(events[200]!);
    expect(put).toMatchObject({ started: false, attempts: 0, leaseUntil: 0 });
    expect(JSON.parse(put?.record ?? '{}')).toEqual(events[200]);
    expect(put!.notBefore - bed.clock.now()).toBeGreaterThanOrEqual(2_000);
    expect(await bed.wakeOf(events[200]!)).toBe(put!.notBefore);
    gated.open('n0');
    await eventually(() => gated.begun.length === 2);
    expect(gated.begun[1]).toBe('n1');
    const drained = process.executor.drain(0);
    await Promise.allSettled([...running, drained]);
  });

  it('puts nothing off beyond its queue TTL: it has failed then', async () => {
    const gated = new Gated();
    const process = bed.process([gated.definition(1, { queueTtlMs: 4_000 })]);
    const running = process.run(await narrow('runs'));
    await eventually(() => gated.begun.length === 1);
    const emitted = bed.clock.now();
    const waiting = process.run(await narrow('waits'));
    await bed.advanceUntil(() => process.published.length === 1, 200);
    await waiting;
    expect(bed.clock.now() - emitted).toBeLessThan(6_000);
    expect(process.published[0]?.data).toMatchObject({
      status: 'failed',
      error: { code: 'queue_ttl_exceeded' },
    });
    gated.open('runs');
    await running;
    expect(gated.begun).toEqual(['runs']);
  });

  it('holds no record for longer than a minute, and goes on waiting under the claim', async () => {
    const gated = new Gated();
    const process = bed.process([gated.definition(1)]);
    void process.run(await narrow('runs'));
    await eventually(() => gated.begun.length === 1);
    const event = await narrow('waits');
    let finished = false;
    const waiting = process.run(event).then(() => {
      finished = true;
    });
    await bed.advanceUntil(() => finished, 900);
    await waiting;
    expect(JSON.parse((await bed.claimOf(event))?.record ?? '{}')).toEqual(event);
    gated.open('runs');
    await bed.advanceUntil(() => gated.begun.length === 2, 100);
    gated.open('waits');
    await eventually(() => process.published.length === 2);
  });

  it('is given back at a shutdown, with what waits for it', async () => {
    const gated = new Gated();
    const [a, b] = [bed.process([gated.definition(1)]), bed.process([gated.definition(1)])];
    const [runs, waits] = [await narrow('runs'), await narrow('waits')];
    const running = a.run(runs);
    await eventually(() => gated.begun.length === 1);
    const waiting = a.run(waits);
    await eventually(() => a.executor.waitingForSlots === 1);
    const drained = a.executor.drain(5_000);
    await expect(waiting).rejects.toMatchObject({ code: 'closed', retryable: true });
    gated.open('runs');
    await Promise.all([running, drained]);
    // nothing has to run out first
    const next = b.run(waits);
    await eventually(() => gated.begun.length === 2);
    gated.open('waits');
    await next;
    expect(ends(b)).toEqual([['waits', 'succeeded']]);
  });

  it('costs a tool without one no move of the store', async () => {
    const moves: PropertyKey[] = [];
    const slots = new Proxy(bed.slots, {
      get: (target, name) => {
        moves.push(name);
        return Reflect.get(target, name) as unknown;
      },
    });
    const process = bed.process([tool('t', 'irreversible', () => 1), tool('p', 'pure', () => 1)], { slots });
    await process.run(await bed.intent('t'));
    await process.run(await bed.intent('p', { effect: 'pure' }));
    expect(process.published).toHaveLength(2);
    expect(moves).toEqual([]);
  });
});
