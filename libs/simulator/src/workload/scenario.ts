import type { Json, JsonObject, PlanStep, Submission } from '#contracts';
import type { Role, Settings } from '../world/node.js';
import type { Randomness } from '../world/randomness.js';
import type { Act } from './acting-tools.js';

/** A session that somebody submits, and what they do about it later. Times: ms from the beginning. */
export interface Wish {
  key: string;
  submission: Submission;
  atMs: number;
  /** cancelled so long after it was accepted */
  cancel?: { afterMs: number; compensate: boolean };
  /** submitted again, with the same key, so long after it was accepted */
  againAfterMs?: number;
}

/** What a schedule is about, before anything goes wrong. */
export interface Scenario {
  processes: { name: string; roles: readonly Role[] }[];
  settings: Settings;
  wishes: Wish[];
}

/** Where the time of every schedule begins. */
export const BEGIN_MS = Date.UTC(2026, 0, 27, 10);

const ALL: readonly Role[] = ['api', 'commander', 'dispatcher', 'scheduler'];

const TOPOLOGIES: Record<'one' | 'two' | 'three' | 'split', { name: string; roles: readonly Role[] }[]> = {
  one: [{ name: 'a1', roles: ALL }],
  two: [
    { name: 'a1', roles: ALL },
    { name: 'a2', roles: ALL },
  ],
  three: [
    { name: 'a1', roles: ALL },
    { name: 'c1', roles: ['api', 'commander'] },
    { name: 'd1', roles: ['dispatcher'] },
  ],
  split: [
    { name: 'c1', roles: ['api', 'commander'] },
    { name: 'c2', roles: ['commander', 'scheduler'] },
    { name: 'd1', roles: ['dispatcher'] },
    { name: 'd2', roles: ['dispatcher'] },
  ],
};

const DEADLINE_MS = 20_000;
const TINY_PAYLOAD_BYTES = 150;
const INLINE_BYTES = 256 * 1024;

const AT_LAST: Act = { ms: 10, ends: 'ok', does: 5 };

const drawAct = (random: Randomness): Act => {
  const kind = random.weighed({ at_once: 8, ok: 8, error: 2, retryable: 2, fatal: 1, unsure: 2, late: 2 });
  const ms = random.chance(0.8) ? random.int(1, 200) : random.int(200, 3_900);
  const heeds = random.chance(0.5) ? { heeds: true } : {};
  const remote = random.chance(0.3) ? { remote: true } : {};
  const does = random.int(0, ms);
  switch (kind) {
    case 'at_once':
      return { ms: 0, ends: 'ok', does: 0 };
    case 'ok':
      return { ms, ends: 'ok', does, ...heeds, ...remote };
    case 'unsure':
      return { ms, ends: 'unsure', ...(random.chance(0.5) ? { does, ...remote } : {}), ...heeds };
    case 'late': {
      const tooLong = random.int(4_100, 15_000);
      const act = random.chance(0.5) ? { does: random.int(0, tooLong), ...remote } : {};
      return { ms: tooLong, ends: 'does' in act ? 'ok' : 'error', ...act, ...heeds };
    }
    default:
      return { ms, ends: kind, ...heeds };
  }
};

const drawActs = (random: Randomness): Json =>
  Array.from({ length: random.int(1, 3) }, () => drawAct(random)) as unknown as Json;

const drawStep = (random: Randomness, place: number): PlanStep => {
  const id = `s${place}`;
  const tool = random.weighed({ look: 3, put: 3, book: 5, mark: 1, send: 4, post: 1, wait: 1.5 });
  const drawn = random.weighed({ chain: 5, root: 2, some: 3 });
  const above = Array.from({ length: place }, (_, i) => `s${i}`).filter(() => random.chance(0.5));
  const after = drawn === 'chain' ? undefined : drawn === 'root' ? [] : above;
  const before = after === undefined ? (place === 0 ? undefined : `s${place - 1}`) : after[0];
  const refers = before !== undefined && tool !== 'wait' && random.chance(0.3);
  const parameters: JsonObject =
    tool === 'wait'
      ? { ms: random.chance(0.5) ? random.int(0, 500) : random.int(500, 10_000) }
      : {
          name: id,
          acts: drawActs(random),
          ...(refers ? { from: { $ref: before } } : {}),
        };
  const explicit = tool === 'book' ? random.chance(0.6) : tool === 'put' && random.chance(0.2);
  const policy = random.chance(0.4) ? random.pick(['park', 'skip', 'retry'] as const) : undefined;
  // one that is tried for ever succeeds in the end
  const acts =
    policy === 'retry'
      ? [{ ms: random.int(1, 500), ends: random.pick(['error', 'retryable', 'ok'] as const) }, AT_LAST]
      : drawActs(random);
  return {
    id,
    tool,
    parameters,
    ...(after === undefined ? {} : { after }),
    ...(explicit ? { compensation: { tool: 'unbook', parameters: { name: id, acts: acts as Json } } } : {}),
    ...(policy === undefined ? {} : { on_compensation_failure: policy }),
  };
};

const drawSubmission = (random: Randomness, atMs: number): Submission => ({
  plan: { steps: Array.from({ length: random.int(1, 4) }, (_, place) => drawStep(random, place)) },
  saga: random.chance(0.65),
  ...(random.chance(0.08)
    ? { deadline: new Date(BEGIN_MS + atMs + random.int(500, DEADLINE_MS)).toISOString() }
    : {}),
});

const drawWish = (random: Randomness, number: number, given: Submission | undefined): Wish => {
  const atMs = random.int(0, 200);
  return {
    key: `wish-${number}`,
    submission: given ?? drawSubmission(random, atMs),
    atMs,
    ...(random.chance(0.25)
      ? {
          cancel: {
            afterMs: random.chance(0.7) ? random.int(0, 150) : random.int(150, 8_000),
            compensate: random.chance(0.6),
          },
        }
      : {}),
    ...(random.chance(0.15) ? { againAfterMs: random.int(0, 3_000) } : {}),
  };
};

/** @param given submitted instead of a session that is drawn */
export const drawScenario = (random: Randomness, given?: Submission): Scenario => ({
  processes: TOPOLOGIES[random.weighed({ one: 3, two: 4, three: 2, split: 2 })],
  settings: {
    leaseMs: random.pick([3_000, 6_000]),
    retentionMs: 7 * 24 * 3_600_000,
    inlineLimitBytes: random.chance(0.1) ? TINY_PAYLOAD_BYTES : INLINE_BYTES,
    partitions: random.int(1, 2),
    concurrency: random.chance(0.1) ? 1 : 100,
    pulseMs: 100,
    shutdownMs: random.pick([0, 1_000, 5_000]),
  },
  wishes: Array.from({ length: random.chance(0.75) ? 1 : 2 }, (_, i) => drawWish(random, i + 1, given)),
});
