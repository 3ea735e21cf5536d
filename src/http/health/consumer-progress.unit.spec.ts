import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStrategyStats, GroupLag } from '#transport';
import { ConsumerProgress } from './consumer-progress.js';

const STANDSTILL_MS = 60_000;
const MINUTE = 60_000;

let now = 0;
let stats: EventStrategyStats;
let ready = true;
let lags: GroupLag[];
let progress: ConsumerProgress;

beforeEach(() => {
  now = 1_000;
  ready = true;
  lags = [];
  stats = {
    topic: 't',
    group: 'g',
    partitions: 2,
    paused: 0,
    inFlight: 0,
    maxInFlight: 10,
    queued: 0,
    waiting: 0,
    finished: 0,
    skipped: 0,
    retries: 0,
    commits: 0,
    fenced: 0,
    commitFailures: 0,
    lastProgressAt: 0,
    dead: null,
    newerVersion: null,
    unhandled: 0,
    deadLetters: 0,
  };
  const strategy = {
    get stats() {
      return stats;
    },
    get ready() {
      return ready;
    },
    owned: [0, 1],
  };
  progress = new ConsumerProgress(strategy, { lag: () => Promise.resolve(lags) }, STANDSTILL_MS, () => now);
});

const set = (more: Partial<EventStrategyStats>): void => {
  stats = { ...stats, ...more };
};
/** What a look finds wrong; null: nothing */
const look = async (): Promise<string | null> => {
  try {
    await progress.check();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'no error';
  }
};
const later = (ms: number): void => {
  now += ms;
};

describe('a consumer is not ready', () => {
  it('when its subscription is dead', async () => {
    set({ dead: new Error('kicked out') });
    expect(await look()).toContain('dead: kicked out');
  });

  it('when it has not joined its group', async () => {
    ready = false;
    expect(await look()).toContain('has not joined');
    ready = true;
    expect(await look()).toBeNull();
  });

  it('when something waits for a later release', async () => {
    set({ newerVersion: 'agent.intent/0/7: expected an event of version 1, came version 2' });
    expect(await look()).toContain('came version 2');
  });

  it('when all places are taken, records wait and none ends', async () => {
    set({ inFlight: 10, queued: 5 });
    expect(await look()).toBeNull();
    later(STANDSTILL_MS + 1);
    expect(await look()).toMatch(/10 records are worked on, 5 wait, and none was finished for 60 s/);
    set({ finished: 1 });
    expect(await look()).toBeNull();
  });

  it('when records of its partitions stand in the log and it takes none', async () => {
    lags = [{ topic: 't', partition: 1, end: 7, committed: 4 }];
    expect(await look()).toBeNull();
    later(10_001);
    expect(await look()).toMatch(/3 records stand in the log/);
    lags = [];
    expect(await look()).toBeNull();
  });

  it('when what it works on ends never', async () => {
    set({ inFlight: 1 });
    expect(await look()).toBeNull();
    later(10 * MINUTE + 1);
    expect(await look()).toMatch(/1 records are worked on/);
  });
});

describe('a consumer is ready', () => {
  it('right after a long rest', async () => {
    expect(await look()).toBeNull();
    later(24 * 60 * MINUTE);
    set({ inFlight: 10, queued: 5 });
    expect(await look()).toBeNull();
  });

  it('while one record takes long and the others of its session wait for it', async () => {
    set({ inFlight: 1, queued: 3 });
    expect(await look()).toBeNull();
    later(5 * MINUTE);
    expect(await look()).toBeNull();
  });

  it('while what fails is tried again', async () => {
    set({ inFlight: 10, queued: 5 });
    for (let tries = 0; tries < 20; tries++) {
      set({ retries: tries });
      expect(await look()).toBeNull();
      later(STANDSTILL_MS - 1);
    }
  });

  it('while only partitions of other members have records', async () => {
    lags = [{ topic: 't', partition: 5, end: 100, committed: 0 }];
    expect(await look()).toBeNull();
    later(MINUTE);
    expect(await look()).toBeNull();
  });
});
