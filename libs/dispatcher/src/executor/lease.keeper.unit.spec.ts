import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DormouseError } from '#contracts';
import type { ClaimStore, RenewReply } from '#idempotency';
import { eventually } from '#testing';
import { LeaseKeeper } from './lease.keeper.js';
import { Pulse } from './pulse.js';

const key = { sessionId: 's', intentId: 's.1.0' };
const time = { wall: 1_000_000, monotonic: 0 };
let asked: number;
let answer: () => Promise<RenewReply>;
let pulse: Pulse;
let keeper: LeaseKeeper;

beforeEach(() => {
  time.wall = 1_000_000;
  time.monotonic = 0;
  asked = 0;
  answer = () => Promise.resolve('held');
  pulse = new Pulse({ now: () => time.wall, monotonic: () => time.monotonic }, 1);
  const claims = {
    renew: () => {
      asked++;
      return answer();
    },
  };
  keeper = new LeaseKeeper(claims as unknown as ClaimStore, pulse, 6_000);
});
afterEach(() => pulse.stop());

const pass = (ms: number) => {
  time.wall += ms;
  time.monotonic += ms;
};

it('renews each second, or three times a lease', async () => {
  expect(keeper.everyMs).toBe(1_000);
  expect(new LeaseKeeper({} as ClaimStore, pulse, 900).everyMs).toBe(300);
  keeper.hold(key, 't:1', keeper.sentNow());
  pass(1_000);
  await eventually(() => asked === 1);
  pass(1_000);
  await eventually(() => asked === 2);
});

it('counts the lease from the sending of the last renewal that was answered, by the earlier of two clocks', async () => {
  const lease = keeper.hold(key, 't:1', keeper.sentNow());
  let reply: (value: RenewReply) => void = () => undefined;
  answer = () => new Promise((resolve) => (reply = resolve));
  pass(3_000);
  await eventually(() => asked === 1);
  pass(2_999);
  // not answered yet: the first sending counts
  expect(lease.isLive()).toBe(true);
  pass(1);
  expect(lease.isLive()).toBe(false);
  reply('held');
  await eventually(() => lease.isLive());
  time.wall += 3_001;
  expect(lease.isLive()).toBe(false);
});

it('tells once what a renewal said, also to who asks later', async () => {
  const lease = keeper.hold(key, 't:1', keeper.sentNow());
  const heard: string[] = [];
  lease.onSignal = (signal) => heard.push(signal);
  answer = () => Promise.resolve('cancelled');
  pass(1_000);
  await eventually(() => heard.length === 1);
  pass(1_000);
  await eventually(() => asked === 2);
  expect(heard).toEqual(['cancelled']);
  answer = () => Promise.resolve('lost');
  pass(1_000);
  await eventually(() => heard.length === 2);
  expect(lease.signal).toBe('lost');
});

it('asks again when the store could not be reached, and no more when it is let go', async () => {
  const lease = keeper.hold(key, 't:1', keeper.sentNow());
  answer = () => Promise.reject(new DormouseError('unavailable', 'away', { retryable: true }));
  pass(1_000);
  await eventually(() => asked === 1);
  pass(1_000);
  await eventually(() => asked === 2);
  lease.release();
  pass(10_000);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(asked).toBe(2);
});
