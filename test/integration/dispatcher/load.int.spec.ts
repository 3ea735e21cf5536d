import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RetryableError } from '#contracts';
import { eventually } from '#testing';
import { deferred, DispatcherBed, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

describe('many at once', () => {
  it('500 slow tools delay none of the quick ones beside them', async () => {
    const gate = deferred<string>();
    const process = bed.process([
      tool('slow', 'idempotent', () => gate.promise, { timeoutMs: 600_000 }),
      tool('quick', 'pure', () => 'quick'),
    ]);
    const slow = await bed.intents(
      Array.from({ length: 500 }, () => ({ tool: 'slow', effect: 'idempotent' as const })),
    );
    const running = slow.map((event) => process.run(event));
    await eventually(() => process.executor.counts.attempts === 500);
    const quick = await bed.intents(
      Array.from({ length: 100 }, () => ({ tool: 'quick', effect: 'pure' as const })),
    );
    await Promise.all(quick.map((event) => process.run(event)));
    expect(process.published).toHaveLength(100);
    gate.resolve('slow');
    await Promise.all(running);
    expect(process.published).toHaveLength(600);
  });

  it('runs no more of a tool at once than it allows, and keeps others from waiting for it', async () => {
    let at = 0;
    let most = 0;
    const gates = Array.from({ length: 10 }, () => deferred<number>());
    const process = bed.process([
      tool(
        'narrow',
        'pure',
        async (parameters: { n: number }) => {
          most = Math.max(most, ++at);
          await gates[parameters.n]?.promise;
          at--;
        },
        { concurrency: 3 },
      ),
      tool('wide', 'pure', () => 1),
    ]);
    const events = await bed.intents(
      gates.map((_gate, n) => ({ tool: 'narrow', parameters: { n }, effect: 'pure' as const })),
    );
    const running = events.map((event) => process.run(event));
    await eventually(() => at === 3);
    await process.run(await bed.intent('wide', { effect: 'pure' }));
    for (const [n, gate] of gates.entries()) {
      gate.resolve(1);
      await eventually(() => process.published.length === n + 2);
    }
    await Promise.all(running);
    expect(most).toBe(3);
  });

  it('runs no more at once than the process allows', async () => {
    let at = 0;
    let most = 0;
    const process = bed.process(
      [
        tool('t', 'irreversible', async () => {
          most = Math.max(most, ++at);
          await new Promise((resolve) => setImmediate(resolve));
          at--;
        }),
      ],
      { concurrency: 4 },
    );
    const events = await bed.intents(Array.from({ length: 50 }, () => ({ tool: 't' })));
    await Promise.all(events.map((event) => process.run(event)));
    expect({ most, published: process.published.length }).toEqual({ most: 4, published: 50 });
  });
});

describe('a shutdown', () => {
  it('lets what runs end within the grace', async () => {
    const gate = deferred<string>();
    const process = bed.process([tool('t', 'irreversible', () => gate.promise)]);
    const running = process.run(await bed.intent('t'));
    await eventually(() => process.executor.counts.attempts === 1);
    const drained = process.executor.drain(5_000);
    gate.resolve('in time');
    await Promise.all([running, drained]);
    expect(process.published[0]?.data?.result).toBe('in time');
  });

  it('refuses what comes, and gives back at once what only waits', async () => {
    const process = bed.process([
      tool('t', 'idempotent', () => {
        throw new RetryableError('not now', { afterMs: 1_500 });
      }),
    ]);
    const event = await bed.intent('t', { effect: 'idempotent' });
    const running = process.run(event);
    await eventually(async () => (await bed.claimOf(event))?.attempts === 1);
    await process.executor.drain(60_000);
    await expect(running).rejects.toMatchObject({ code: 'closed', retryable: true });
    await expect(process.run(await bed.intent('t'))).rejects.toMatchObject({ code: 'closed' });
    expect(await bed.claimOf(event)).toMatchObject({ attempts: 1, leaseUntil: 0 });
  });

  it('aborts what is left and hands its claim back: a repeatable tool is run by the next, with no attempt used up', async () => {
    const seen: number[] = [];
    const stopping = tool('t', 'idempotent', (_parameters, { attempt, signal }) => {
      seen.push(attempt);
      if (seen.length > 1) return 'second';
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
    const [a, b] = [bed.process([stopping]), bed.process([stopping])];
    const event = await bed.intent('t', { effect: 'idempotent' });
    const running = a.run(event);
    await eventually(() => seen.length === 1);
    await Promise.all([a.executor.drain(0), expect(running).rejects.toMatchObject({ code: 'closed' })]);
    await b.run(event);
    expect(seen).toEqual([1, 1]);
    expect(b.published[0]?.data).toMatchObject({ result: 'second', attempts: 1 });
  });

  it('runs an irreversible tool again only if it said that nothing was done', async () => {
    for (const nothingDone of [true, false]) {
      const seen: number[] = [];
      const stopping = tool('t', 'irreversible', (_parameters, { signal }) => {
        seen.push(1);
        if (seen.length > 1) return 'second';
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(nothingDone ? new RetryableError('stopped') : (signal.reason as Error));
          });
        });
      });
      const [a, b] = [bed.process([stopping]), bed.process([stopping])];
      const event = await bed.intent('t', { deadlineMs: 10_000 });
      const running = a.run(event);
      await eventually(() => seen.length === 1);
      await Promise.all([a.executor.drain(0), expect(running).rejects.toMatchObject({ code: 'closed' })]);
      await b.run(event);
      await bed.clock.advance(10_000);
      await b.run(event);
      expect(b.published[0]?.data?.status).toBe(nothingDone ? 'succeeded' : 'unknown');
      // a run that we stopped uses up no attempt
      if (nothingDone) expect(b.published[0]?.data?.attempts).toBe(1);
      expect(seen).toHaveLength(nothingDone ? 2 : 1);
    }
  });

  it('does not wait for a tool that pays no heed', async () => {
    const process = bed.process([tool('t', 'irreversible', () => new Promise(() => undefined))]);
    const event = await bed.intent('t');
    const running = process.run(event);
    await eventually(() => process.executor.counts.attempts === 1);
    await Promise.all([process.executor.drain(0), expect(running).rejects.toMatchObject({ code: 'closed' })]);
    expect(await bed.claimOf(event)).toMatchObject({ started: true, leaseUntil: 0 });
  });
});
