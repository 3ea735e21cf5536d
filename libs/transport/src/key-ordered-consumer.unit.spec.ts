import { describe, expect, it } from '@jest/globals';
import { DormouseError } from '#contracts';
import { ScriptedLog, type ScriptedMember, VirtualTime } from '#testing';
import type { KeyOrderedConsumerOptions } from './consumer-options.js';
import type { Delivery } from './delivery.js';
import { decodeRuns } from './finished-runs.js';
import { KeyOrderedConsumer } from './key-ordered-consumer.js';
import type { PartitionPosition } from './port.js';

interface Begun {
  id: string;
  atMs: number;
  delivery: Delivery;
  end: (error?: Error) => void;
}

/** A log, and consumers whose handlers end when they are told to. */
const bench = (given: { partitions?: number; batch?: number; maxMetadataBytes?: number } = {}) => {
  const time = new VirtualTime();
  const { partitions = 1, batch = 1_000, maxMetadataBytes = 4_096 } = given;
  // the largest batch each time
  const log = new ScriptedLog({ time, random: () => 0.999, maxMetadataBytes, batch }, partitions);
  const commits: { atMs: number; positions: readonly PartitionPosition[] }[] = [];
  log.seeCommit = (_member, positions) => void commits.push({ atMs: time.now(), positions });

  const consume = (options: Partial<KeyOrderedConsumerOptions> = {}, own = true) => {
    const member = log.member();
    const begun: Begun[] = [];
    const consumer = new KeyOrderedConsumer({
      transport: member,
      topic: 'scripted',
      group: 'group',
      timers: member.timers,
      random: () => 0,
      handler: (record, delivery) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error) => {
            if (error === undefined) resolve();
            else reject(error);
          };
          begun.push({ id: `${record.partition}/${record.offset}`, atMs: time.now(), delivery, end });
        }),
      ...options,
    });
    if (own) for (let p = 0; p < partitions; p++) log.assign(p, member);
    const ids = () => begun.map((b) => b.id);
    const find = (id: string): Begun => begun.filter((b) => b.id === id).at(-1)!;
    return { member, consumer, begun, ids, find };
  };
  const append = (partition: number, ...keys: (string | null)[]) => {
    for (const key of keys) log.append(partition, key);
  };
  return { time, log, commits, consume, append };
};
const fill = (n: number, key: (i: number) => string) => Array.from({ length: n }, (_, i) => key(i));
const pauses = (member: ScriptedMember) => {
  const calls: string[] = [];
  const { pause, resume } = member;
  member.pause = (ps) => {
    calls.push(`pause ${ps.join()}`);
    pause.call(member, ps);
  };
  member.resume = (ps) => {
    calls.push(`resume ${ps.join()}`);
    resume.call(member, ps);
  };
  return calls;
};

describe('taking turns', () => {
  it('runs many keys at once and one key in order', async () => {
    const { time, consume, append } = bench();
    append(0, 'a', 'a', 'b', null, null, 'b');
    const { consumer, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/2', '0/3', '0/4']);
    find('0/2').end();
    await time.run(1);
    expect(ids()).toEqual(['0/0', '0/2', '0/3', '0/4', '0/5']);
  });

  it('runs the records of a key side by side when no order is asked for', async () => {
    const { time, consume, append } = bench();
    append(0, 'a', 'a', 'a');
    const { consumer, ids } = consume({ order: 'none' });
    await consumer.start();
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/1', '0/2']);
  });

  it('gives partitions their turn: a long queue in one keeps no other waiting', async () => {
    const { time, consume, append } = bench({ partitions: 2 });
    append(0, ...fill(200, (i) => `k${i}`));
    const { consumer, begun, ids } = consume({ maxInFlight: 4 });
    await consumer.start();
    await time.run(50);
    append(1, 'x', 'y');
    await time.run(50);
    begun.slice(0, 4).forEach((b) => {
      b.end();
    });
    await time.run(1);
    expect(ids().slice(4)).toEqual(['0/4', '1/0', '0/5', '1/1']);
  });

  it('ends a handler that returns at once without a turn of the loop', async () => {
    const { time, log, consume, append } = bench();
    append(0, ...fill(5_000, (i) => `k${i % 7}`));
    const { consumer } = consume({ handler: () => undefined, maxInFlight: 1 });
    await consumer.start();
    await time.run(2_000);
    expect(consumer.stats).toMatchObject({ finished: 5_000, inFlight: 0, queued: 0 });
    expect(log.positions[0]).toEqual({ offset: 5_000, metadata: '' });
  });
});

describe('bounds', () => {
  it('pauses a partition whose key has a long queue, and no other; the others run on', async () => {
    const { time, consume, append, log } = bench({ partitions: 2, batch: 10 });
    append(0, ...fill(300, () => 'hot'));
    append(1, ...fill(300, (i) => `k${i}`));
    const sleeper = (ms: number) => () => time.sleep(ms);
    const { consumer, member } = consume({
      maxInFlight: 8,
      maxQueuedPerKey: 20,
      handler: (record) => sleeper(record.key === 'hot' ? 1_000 : 1)(),
    });
    const calls = pauses(member);
    await consumer.start();
    await time.run(3_500);
    expect(calls[0]).toBe('pause 0');
    expect(calls).not.toContain('pause 1');
    expect(consumer.stats.queued).toBeLessThanOrEqual(30);
    expect(log.positions[1]?.offset).toBe(300);
    await time.run(300_000);
    expect(log.positions[0]?.offset).toBe(300);
    // it goes on when half of the queue is done, not at every record
    expect(calls.length).toBeLessThan(2 * (300 / 10) + 2);
  });

  it('pauses when too much waits in memory, and goes on below half of it', async () => {
    const { time, consume, append } = bench({ batch: 10 });
    append(0, ...fill(100, (i) => `k${i}`));
    const { consumer, member, begun } = consume({ maxInFlight: 2, maxQueued: 20 });
    const calls = pauses(member);
    await consumer.start();
    await time.run(100);
    expect(calls).toEqual(['pause 0']);
    expect(consumer.stats).toMatchObject({ paused: 1, inFlight: 2 });
    const { queued } = consumer.stats;
    expect(queued).toBeLessThanOrEqual(40);
    for (let ended = 0; consumer.stats.queued > 11; ended++) {
      begun[ended]!.end();
      await time.run(0);
      expect(calls).toEqual(['pause 0']);
    }
    for (let ended = begun.length - 2; calls.length === 1; ended++) {
      begun[ended]!.end();
      await time.run(0);
    }
    expect(calls).toEqual(['pause 0', 'resume 0']);
    expect(consumer.stats.queued).toBe(10);
  });

  it('counts bytes as well', async () => {
    const { time, consume, append } = bench({ batch: 10 });
    append(0, ...fill(100, (i) => `k${i}`));
    const { consumer } = consume({ maxInFlight: 1, maxQueued: 1_000, maxQueuedBytes: 30 });
    await consumer.start();
    await time.run(100);
    expect(consumer.stats.paused).toBe(1);
    // 2 bytes each
    expect(consumer.stats.queued).toBeLessThanOrEqual(35);
  });

  it('takes in no more when the metadata is nearly full, and goes on when it is not', async () => {
    const { time, consume, append, log } = bench({ batch: 10, maxMetadataBytes: 40 });
    append(0, ...fill(400, (i) => (i % 2 === 0 ? `slow${i}` : `quick${i}`)));
    const slow: (() => void)[] = [];
    const { consumer } = consume({
      maxInFlight: 400,
      handler: (record) =>
        record.key?.startsWith('quick') === true ? undefined : new Promise((resolve) => slow.push(resolve)),
    });
    await consumer.start();
    await time.run(1_000);
    expect(consumer.stats.paused).toBe(1);
    expect(consumer.stats.finished).toBeLessThan(40);
    const { offset, metadata } = log.positions[0]!;
    expect(decodeRuns(offset, metadata).length / 2).toBe(consumer.stats.finished);
    for (let i = 0; i < slow.length; i++) {
      slow[i]!();
      if (i % 5 === 0) await time.run(20);
    }
    await time.run(1_000, () => {
      slow.forEach((end) => {
        end();
      });
      return consumer.stats.finished === 400;
    });
    expect(consumer.stats.finished).toBe(400);
  });
});

describe('failures', () => {
  it('tries again in place, later and later, and holds up its own key alone', async () => {
    const { time, consume, append } = bench();
    append(0, 'bad', 'bad', 'good');
    const failed: number[] = [];
    const { consumer, begun, ids, find } = consume({
      maxInFlight: 1,
      backoff: { initialMs: 100, factor: 2, maxMs: 300 },
      onRetry: (_error, delivery, delayMs) => {
        expect(delivery.key).toBe('bad');
        failed.push(delayMs);
      },
    });
    await consumer.start();
    await time.run(50);
    find('0/0').end(new Error('first'));
    await time.run(10);
    // it holds no place while it waits
    expect(ids()).toEqual(['0/0', '0/2']);
    expect(consumer.stats).toMatchObject({ waiting: 1, inFlight: 1, queued: 1 });
    find('0/2').end();
    for (let i = 0; i < 4; i++) {
      await time.run(1_000, () => begun.length === 3 + i);
      begun.at(-1)!.end(new Error('again'));
    }
    await time.run(1_000, () => begun.length === 7);
    expect(ids()).toEqual(['0/0', '0/2', '0/0', '0/0', '0/0', '0/0', '0/0']);
    expect(begun.at(-1)!.delivery.deliveries).toBe(6);
    expect(failed).toEqual([50, 100, 150, 150, 150]);
    begun.at(-1)!.end();
    await time.run(10);
    expect(ids().at(-1)).toBe('0/1');
    expect(consumer.stats).toMatchObject({ retries: 5, finished: 2, waiting: 0 });
  });

  it('waits longest at once when an error says that trying again does not help', async () => {
    const { time, consume, append } = bench();
    append(0, 'a', 'b');
    const delays: Record<string, number> = {};
    const { consumer } = consume({
      backoff: { initialMs: 10, factor: 2, maxMs: 60_000 },
      handler: (record) => {
        throw new DormouseError('internal', 'x', { retryable: record.key === 'b' });
      },
      onRetry: (_error, delivery, delayMs) => (delays[delivery.key!] ??= delayMs),
    });
    await consumer.start();
    await time.run(50);
    expect(delays).toEqual({ a: 30_000, b: 5 });
  });
});

describe('commits', () => {
  it('come soon when nothing is left to do, and at their interval while there is', async () => {
    const { time, consume, append, commits } = bench();
    append(0, 'a', 'b');
    const { consumer, find } = consume();
    await consumer.start();
    await time.run(50);
    const first = time.now();
    find('0/1').end();
    await time.run(1_000);
    expect(commits).toHaveLength(1);
    expect(commits[0]!.atMs).toBe(first + 250);
    expect(commits[0]!.positions).toMatchObject([{ partition: 0, offset: 0 }]);
    const second = time.now();
    find('0/0').end();
    await time.run(1_000);
    expect(commits.slice(1)).toEqual([
      { atMs: second + 20, positions: [{ partition: 0, offset: 2, metadata: '' }] },
    ]);
    expect(consumer.stats).toMatchObject({ commits: 2, commitFailures: 0 });
  });

  it('are one at a time; what changed meanwhile follows', async () => {
    const { time, log, consume, append, commits } = bench();
    append(0, 'a', 'b', 'c');
    log.onCommit = () => ({ answer: 'applied', afterMs: 3_000 });
    const { consumer, member, find } = consume();
    await consumer.start();
    await time.run(50);
    find('0/0').end();
    await time.run(300);
    expect(member.commitsUnderWay).toBe(1);
    find('0/1').end();
    find('0/2').end();
    await time.run(2_000);
    expect(commits).toHaveLength(1);
    await time.run(6_000);
    expect(commits).toHaveLength(2);
    expect(log.positions[0]).toEqual({ offset: 3, metadata: '' });
  });

  it('that fail are tried again, ever more rarely', async () => {
    const { time, log, consume, append, commits } = bench();
    append(0, 'a');
    log.onCommit = () => ({ answer: 'refused', afterMs: 0 });
    const { consumer, find } = consume();
    await consumer.start();
    await time.run(50);
    find('0/0').end();
    await time.run(60_000);
    expect(commits.length).toBeGreaterThan(10);
    expect(commits.length).toBeLessThan(25);
    log.onCommit = () => ({ answer: 'applied', afterMs: 0 });
    await time.run(10_000);
    expect(log.positions[0]?.offset).toBe(1);
  });

  it('of a partition that is fenced hold up no other', async () => {
    const { time, log, consume, append } = bench({ partitions: 3 });
    for (let p = 0; p < 3; p++) append(p, 'a');
    const { consumer, member, begun } = consume();
    await consumer.start();
    await time.run(50);
    // another member has it, and this one isn't told
    log.owners[1] = log.member();
    const { commit } = member;
    member.commit = async (positions) => {
      // a log that writes nothing of a call when one of its partitions is fenced
      if (positions.length > 1 && positions.some((p) => p.partition === 1)) return 'fenced';
      return commit.call(member, positions);
    };
    for (const b of begun) b.end();
    await time.run(2_000);
    expect(log.positions.map((p) => p.offset)).toEqual([1, 0, 1]);
    expect(consumer.stats.fenced).toBeGreaterThan(1);
  });
});

describe('partitions that change hands', () => {
  it('drop what is not begun, abort nothing, and are not committed for', async () => {
    const { time, log, consume, append, commits } = bench({ partitions: 2 });
    append(0, 'a', 'a', 'b');
    const { consumer, ids, find } = consume({ maxInFlight: 1 });
    await consumer.start();
    await time.run(50);
    const { delivery, end } = find('0/0');
    log.revoke(0);
    expect(consumer.stats).toMatchObject({ queued: 0, partitions: 1, inFlight: 1 });
    end();
    await time.run(1_000);
    expect(delivery.signal.aborted).toBe(false);
    expect(ids()).toEqual(['0/0']);
    expect(commits).toEqual([]);
  });

  it('run nothing twice at once when they come back, and count its end', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a', 'a', null);
    const { consumer, member, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    log.revoke(0);
    log.assign(0, member);
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/2']);
    find('0/0').end();
    find('0/2').end();
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/2', '0/1']);
    find('0/1').end();
    await time.run(50);
    expect(ids()).toHaveLength(3);
    expect(log.positions[0]).toEqual({ offset: 3, metadata: '' });
  });

  it('remember what ended between their loss and the coming of its record', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a', 'b');
    const { consumer, member, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    log.revoke(0);
    log.assign(0, member);
    find('0/1').end();
    await time.run(100);
    expect(ids()).toEqual(['0/0', '0/1']);
  });

  it('leave a failure to the next owner, and try it again when they come back', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a');
    const { consumer, member, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    log.revoke(0);
    find('0/0').end(new Error('x'));
    await time.run(60_000);
    expect(ids()).toEqual(['0/0']);
    log.assign(0, member);
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/0']);
  });

  it('forget a key that waits for its next try', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a');
    const { consumer, member, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    find('0/0').end(new Error('x'));
    await time.run(10);
    expect(consumer.stats.waiting).toBe(1);
    log.revoke(0);
    log.assign(0, member);
    await time.run(10_000);
    // begun anew for the new ownership, not again for the old one
    expect(ids()).toEqual(['0/0', '0/0']);
    expect(find('0/0').delivery.deliveries).toBe(1);
    expect(consumer.stats).toMatchObject({ waiting: 0, retries: 0 });
  });

  it('skip what comes again after a rejoin', async () => {
    const { time, consume, append } = bench();
    append(0, 'a', 'a', 'b');
    const { consumer, member, ids } = consume();
    await consumer.start();
    await time.run(50);
    member.rejoin();
    await time.run(50);
    expect(ids()).toEqual(['0/0', '0/2']);
    expect(consumer.stats.skipped).toBe(3);
  });

  it('are read again after a loss that came while they were paused', async () => {
    const { time, log, consume, append } = bench({ batch: 5 });
    append(0, ...fill(30, () => 'hot'));
    const { consumer, member } = consume({ maxQueuedPerKey: 4 });
    const calls = pauses(member);
    await consumer.start();
    await time.run(50);
    expect(calls).toEqual(['pause 0']);
    log.revoke(0);
    log.assign(0, member);
    expect(calls).toEqual(['pause 0', 'resume 0']);
  });

  it('after a crash repeat no more than what was in flight and what the last commit did not know', async () => {
    const { time, log, consume, append } = bench();
    append(0, ...fill(100, (i) => `k${i}`));
    const first = consume();
    await first.consumer.start();
    await time.run(50);
    for (const b of first.begun) if (b.id !== '0/3' && b.id !== '0/50') b.end();
    await time.run(300);
    first.member.kill();
    const second = consume({}, false);
    log.assign(0, second.member);
    await second.consumer.start();
    await time.run(100);
    expect(second.ids()).toEqual(['0/3', '0/50']);
  });
});

describe('drain', () => {
  it('begins nothing more, lets what runs end, commits and leaves', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a', 'a', 'b');
    const { consumer, member, ids, find } = consume({ maxInFlight: 2 });
    await consumer.start();
    await time.run(50);
    let left = false;
    const drained = consumer.drain(10_000).then(() => (left = true));
    expect(consumer.ready).toBe(false);
    await time.run(100);
    expect(left).toBe(false);
    append(0, 'c');
    find('0/0').end();
    find('0/2').end();
    await time.run(100);
    await drained;
    expect(ids()).toEqual(['0/0', '0/2']);
    expect(member.closed).toBe(true);
    expect(log.positions[0]).toMatchObject({ offset: 1 });
    expect(decodeRuns(1, log.positions[0]!.metadata)).toEqual([2, 3]);

    const next = consume();
    await next.consumer.start();
    await time.run(100);
    expect(next.ids()).toEqual(['0/1', '0/3']);
  });

  it('aborts at the end of the grace, not before, and does not wait for ever', async () => {
    const { time, log, consume, append } = bench();
    append(0, 'a', 'b', 'c');
    const { consumer, member, find } = consume();
    await consumer.start();
    await time.run(50);
    const asked = find('0/0').delivery.signal;
    asked.addEventListener('abort', () => {
      find('0/0').end();
    });
    const begun = time.now();
    const drained = consumer.drain(5_000);
    await time.run(4_999);
    expect(asked.aborted).toBe(false);
    await time.run(1);
    expect(asked.aborted).toBe(true);
    // one that asks late is told as well
    expect(find('0/1').delivery.signal.aborted).toBe(true);
    expect(DormouseError.is(find('0/1').delivery.signal.reason)).toBe(true);
    await time.run(10_000, () => member.closed);
    await drained;
    expect(time.now() - begun).toBeLessThan(7_000);
    expect(log.positions[0]?.offset).toBe(1);
  });

  it('waits for no key that is between two tries', async () => {
    const { time, consume, append, log } = bench();
    append(0, 'a');
    const { consumer, ids, find } = consume();
    await consumer.start();
    await time.run(50);
    find('0/0').end(new Error('x'));
    await time.run(1);
    const begun = time.now();
    const drained = consumer.drain(60_000);
    await time.run(10);
    await drained;
    expect(time.now() - begun).toBeLessThanOrEqual(10);
    await time.run(60_000);
    expect(ids()).toEqual(['0/0']);
    expect(log.positions[0]?.offset).toBe(0);
  });

  it('is one, however often it is asked for, and ends for good', async () => {
    const { time, consume } = bench();
    const { consumer } = consume();
    await consumer.start();
    expect(consumer.drain(0)).toBe(consumer.drain(5));
    await time.run(10);
    await consumer.drain(0);
    await expect(consumer.start()).rejects.toThrow(/started once/);
  });

  it('leaves a group whose join was still under way', async () => {
    const { time, consume } = bench();
    const { consumer, member } = consume();
    const { subscribe } = member;
    member.subscribe = async (...args) => {
      await time.sleep(100);
      return subscribe.apply(member, args);
    };
    const started = consumer.start();
    const drained = consumer.drain(0);
    await time.run(200);
    await Promise.all([started, drained]);
    expect(member.closed).toBe(true);
  });

  it('of a consumer that never began is nothing', async () => {
    const { consume } = bench();
    const { consumer } = consume();
    await consumer.drain(0);
  });
});

describe('a subscription that dies', () => {
  it('is told once, begins and commits nothing, and is not ready', async () => {
    const { time, consume, append, commits } = bench();
    append(0, 'a', 'a');
    const deaths: Error[] = [];
    const { consumer, member, ids, find } = consume({ onDead: (error) => deaths.push(error) });
    await consumer.start();
    expect(consumer.ready).toBe(true);
    await time.run(50);
    member.fail(new Error('gone'));
    member.fail(new Error('again'));
    expect(deaths.map((e) => e.message)).toEqual(['gone']);
    expect(consumer.ready).toBe(false);
    expect(consumer.stats.dead?.message).toBe('gone');
    find('0/0').end();
    append(0, 'b');
    await time.run(10_000);
    expect(ids()).toEqual(['0/0']);
    expect(commits).toEqual([]);
    const drained = consumer.drain(0);
    await time.run(10);
    await drained;
    expect(commits).toEqual([]);
  });

  it('at its beginning rejects the start', async () => {
    const { consume } = bench();
    const { consumer, member } = consume();
    member.subscribe = () => Promise.reject(new DormouseError('unavailable', 'no broker'));
    await expect(consumer.start()).rejects.toThrow('no broker');
    expect(consumer.ready).toBe(false);
    await consumer.drain(0);
  });
});
