import { describe, expect, it } from '@jest/globals';
import { nextWaitMs } from './next-wait.js';
import { DEFAULT_PATIENCE } from './openai.options.js';
import { RateGate } from './rate-gate.js';
import { waitingSince } from './waiting-since.js';

const retry = { retry: true, message: 'no' };
const wait = (attempts: number, fault: object = {}, random = 0.999, elapsedMs = 0) =>
  nextWaitMs(DEFAULT_PATIENCE, { attempts, elapsedMs }, { ...retry, ...fault }, random);

describe('nextWaitMs', () => {
  it('grows, between half and all of its size', () => {
    expect([1, 2, 3, 4].map((n) => wait(n, {}, 0))).toEqual([250, 500, 1000, 2000]);
    expect([1, 2, 3, 4].map((n) => wait(n))).toEqual([500, 1000, 1999, 3998]);
  });

  it('never comes back before the server wants it, and not much later', () => {
    expect(wait(1, { afterMs: 7000 }, 0)).toBe(7000);
    expect(wait(1, { afterMs: 7000 })).toBe(7699);
  });

  it('ends with the attempts, with a final fault, with a wait that is too long, with the time', () => {
    expect(wait(5)).toBeNull();
    expect(wait(1, { retry: false })).toBeNull();
    expect(wait(1, { afterMs: 60_001 })).toBeNull();
    expect(wait(1, { afterMs: 60_000 }, 0)).toBe(60_000);
    expect(wait(2, {}, 0, 119_501)).toBeNull();
    expect(wait(2, {}, 0, 119_500)).toBe(500);
  });
});

describe('RateGate', () => {
  it('keeps a model closed until the latest time that was asked for', () => {
    const gate = new RateGate();
    gate.close('a', 500, 0);
    gate.close('a', 300, 0);
    expect(gate.remainingMs('a', 100)).toBe(400);
    expect(gate.remainingMs('b', 100)).toBe(0);
    expect(gate.remainingMs('a', 600)).toBe(0);
  });
});

describe('waitingSince', () => {
  const outcome = { status: 'succeeded', result: null, error: null, attempts: 1 } as const;
  const at = (started_at: string, duration_ms: number) => ({
    intent_id: 'i',
    tool: 't',
    outcome: { ...outcome, started_at, duration_ms },
  });
  const waiting = (created_at: number, observed: ReturnType<typeof at>[], start = 0, since?: number) =>
    waitingSince({ snapshot: { updated_at: 1e9, fixed: { created_at } } as never, observed, since }, start);

  it('is the time of the observation, as far as a process was there', () => {
    expect(waiting(5, [at('1970-01-01T00:00:01.000Z', 10)], 0, 7)).toBe(7);
    expect(waiting(5, [], 9, 7)).toBe(9);
  });

  it('is else the latest of creation, result and start of the process', () => {
    expect(waiting(5, [])).toBe(5);
    expect(waiting(5, [at('1970-01-01T00:00:01.000Z', 10), at('1970-01-01T00:00:02.000Z', 10)])).toBe(2010);
    expect(waiting(5, [], 7)).toBe(7);
    expect(waiting(5, [at('never', 1)])).toBe(5);
  });
});
