import type { Json, JsonObject, PlanStep, Submission } from '#contracts';
import type { Role, Settings } from '../world/node.js';
import type { Randomness } from '../world/randomness.js';
import type { Act } from './acting-tools.js';
import type { Reply } from './external-worker.js';
import type { Habits } from './person.js';
import type { Script } from './simulated-model.js';
import { type Stray, STRAY_KINDS } from './strays.js';

/** A session that somebody submits, and what they do about it later. Times: ms from the beginning. */
export interface Wish {
  key: string;
  submission: Submission;
  atMs: number;
  /** cancelled so long after it was accepted */
  cancel?: { afterMs: number; compensate: boolean };
  /** submitted again, with the same key, so long after it was accepted */
  againAfterMs?: number;
  /** somebody writes to it, so long after it was accepted */
  writes?: { afterMs: number }[];
}

/** What a schedule is about, before anything goes wrong. */
export interface Scenario {
  processes: { name: string; roles: readonly Role[] }[];
  settings: Settings;
  wishes: Wish[];
  habits: Habits;
  strays: Stray[];
  /** a process of an earlier release, whose dispatcher lacks some tools until it is replaced */
  older?: { process: string; lacks: string[]; untilMs: number };
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

/** A program of others knows one attempt; what it is late with is asked for again. */
const drawExternal = (random: Randomness): JsonObject => {
  const ms = random.chance(0.9) ? random.int(1, 500) : random.int(3_500, 12_000);
  const fails = random.chance(0.15);
  // one that names no intent is taken for the answer to the only one that is pending, which no promise makes the right one
  const reply: Reply = random.weighed({ full: 6, twice: 4, never: 1 });
  return { acts: [fails ? { ms, ends: 'error' } : { ms, ends: 'ok', does: ms }], reply };
};

const TOOLS = { look: 3, put: 3, book: 5, mark: 1, send: 4, post: 1, wait: 1.5, ask: 0.6, fax: 0.6 };
const isExternal = (tool: string): boolean => tool === 'ask' || tool === 'fax';

export const drawParameters = (random: Randomness, tool: string, name: string): JsonObject => {
  if (tool === 'wait') return { ms: random.chance(0.5) ? random.int(0, 500) : random.int(500, 10_000) };
  return isExternal(tool) ? { name, ...drawExternal(random) } : { name, acts: drawActs(random) };
};

const drawStep = (random: Randomness, place: number): PlanStep => {
  const id = `s${place}`;
  const tool = random.weighed(TOOLS);
  const drawn = random.weighed({ chain: 5, root: 2, some: 3 });
  const above = Array.from({ length: place }, (_, i) => `s${i}`).filter(() => random.chance(0.5));
  const after = drawn === 'chain' ? undefined : drawn === 'root' ? [] : above;
  const before = after === undefined ? (place === 0 ? undefined : `s${place - 1}`) : after[0];
  const refers = before !== undefined && tool !== 'wait' && random.chance(0.3);
  const parameters: JsonObject = {
    ...drawParameters(random, tool, id),
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

/** What a model is going to say: a turn calls up to three tools, now and then one that there isn't. */
const drawScript = (random: Randomness): Script => ({
  turns: Array.from({ length: random.int(1, 3) }, (_, turn) =>
    Array.from({ length: random.int(1, 3) }, (__, index) => {
      const tool = random.weighed({ ...TOOLS, nothing_like_that: 0.3 });
      return { tool, parameters: drawParameters(random, tool, `t${turn}c${index}`) };
    }),
  ),
  ends: random.chance(0.6) ? 'says' : 'refuses',
});

const MODEL_SHARE = 0.15;

const drawTask = (random: Randomness): Submission =>
  random.chance(MODEL_SHARE)
    ? { input: JSON.stringify(drawScript(random)) }
    : { plan: { steps: Array.from({ length: random.int(1, 4) }, (_, place) => drawStep(random, place)) } };

const drawSubmission = (random: Randomness, atMs: number): Submission => ({
  ...drawTask(random),
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

const drawHabits = (random: Randomness): Habits => ({
  ...(random.chance(0.5)
    ? {
        settles: {
          afterMs: random.int(0, 20_000),
          again: random.chance(0.5),
          twoPeople: random.chance(0.2),
        },
      }
    : {}),
  ...(random.chance(0.8)
    ? { redrives: { afterMs: random.int(1_000, 20_000), all: random.chance(0.3) } }
    : {}),
});

const drawStrays = (random: Randomness): Stray[] =>
  Array.from({ length: random.chance(0.15) ? random.int(1, 3) : 0 }, () => ({
    kind: random.pick(STRAY_KINDS),
    atMs: random.int(1, 400),
    times: random.int(1, 2),
  }));

const OLDER_SHARE = 0.08;

const drawOlder = (
  random: Randomness,
  processes: Scenario['processes'],
): Pick<Scenario, 'older'> | undefined => {
  const dispatching = processes.filter(({ roles }) => roles.includes('dispatcher'));
  if (!random.chance(OLDER_SHARE)) return undefined;
  const lacks = [random.pick(['book', 'put', 'send', 'look', 'unbook'])];
  return { older: { process: random.pick(dispatching).name, lacks, untilMs: random.int(500, 20_000) } };
};

const asksOthers = (wishes: readonly Wish[]): boolean =>
  wishes.some(({ submission }) =>
    /"tool":"(ask|fax)"/.test(JSON.stringify(submission).replaceAll('\\"', '"')),
  );

/** @param given submitted instead of a session that is drawn */
export const drawScenario = (random: Randomness, given?: Submission): Scenario => {
  const ours = TOPOLOGIES[random.weighed({ one: 3, two: 4, three: 2, split: 2 })];
  const settings: Settings = {
    leaseMs: random.pick([3_000, 6_000]),
    retentionMs: 7 * 24 * 3_600_000,
    inlineLimitBytes: random.chance(0.1) ? TINY_PAYLOAD_BYTES : INLINE_BYTES,
    partitions: random.int(1, 2),
    concurrency: random.chance(0.1) ? 1 : 100,
    pulseMs: 100,
    shutdownMs: random.pick([0, 1_000, 5_000]),
  };
  const wishes = Array.from({ length: random.chance(0.75) ? 1 : 2 }, (_, i) =>
    drawWish(random, i + 1, given),
  );
  return {
    processes: asksOthers(wishes) ? [...ours, { name: 'x1', roles: ['worker'] }] : ours,
    settings,
    wishes,
    habits: given === undefined ? drawHabits(random) : {},
    strays: given === undefined ? drawStrays(random) : [],
    ...(given === undefined ? drawOlder(random, ours) : {}),
  };
};
