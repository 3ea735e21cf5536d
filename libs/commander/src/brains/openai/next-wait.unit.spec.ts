import { describe, expect, it } from '@jest/globals';
import { LastingTrouble } from './lasting-trouble.js';
import { nextWaitMs } from './next-wait.js';
import { DEFAULT_PATIENCE } from './openai.options.js';
import { RateGate } from './rate-gate.js';

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

describe('LastingTrouble', () => {
  it('counts from the first fault until an answer', () => {
    const trouble = new LastingTrouble(1000);
    expect(trouble.lastedMs('a', 100)).toBe(0);
    expect(trouble.lastedMs('a', 900)).toBe(800);
    expect(trouble.lastedMs('b', 900)).toBe(0);
    expect(trouble.lastedMs('a', 1800)).toBe(1700);
    trouble.over('a');
    expect(trouble.lastedMs('a', 1900)).toBe(0);
  });

  it('drops sessions of which nothing was heard', () => {
    const trouble = new LastingTrouble(1000);
    trouble.lastedMs('a', 0);
    trouble.lastedMs('b', 600);
    trouble.lastedMs('a', 700);
    trouble.lastedMs('c', 1650);
    expect(trouble.size).toBe(2);
    expect(trouble.lastedMs('a', 1690)).toBe(1690);
  });
});
