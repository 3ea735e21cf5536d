import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Plan, type SessionView, type TimelineEntry, isTerminal } from '#contracts';
import { RuntimeProcess, seededRandom } from '#testing';
import { journalFaults, readJournal } from './journal.js';
import { randomPlan } from './random-plan.js';
import { type Finished, endFaults, historyFaults, orderFaults } from './session-checks.js';

const SESSIONS = 300;
const KILLS = 20;
const SHARE = SESSIONS / KILLS;
const LEASE_MS = 1_000;
const seed = Number(process.env.DORMOUSE_TEST_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

let folder: string;
let journal: string;
let runtime: RuntimeProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dormouse-fault-'));
  journal = join(folder, 'journal');
  runtime = await RuntimeProcess.create({
    DORMOUSE_TOOLS: './test/fault/effect-tools.mjs',
    DORMOUSE_LEASE_MS: String(LEASE_MS),
    FAULT_JOURNAL: journal,
  });
});
afterAll(async () => {
  await runtime.remove();
  rmSync(folder, { recursive: true, force: true });
});

const get = async <T>(path: string): Promise<T> => {
  const response = await fetch(runtime.url + path);
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
};

/** Submits until it is accepted: a repeat with the same key is the same session. */
const submit = async (plan: Plan, key: string): Promise<string> => {
  for (;;) {
    try {
      const response = await fetch(`${runtime.url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ plan }),
      });
      if (response.status === 202) return ((await response.json()) as SessionView).session_id;
      if (response.status !== 503)
        throw new Error(`expected 202, got ${response.status} ${await response.text()}`);
    } catch (error) {
      // fetch: no connection, or it was cut (its TypeError is of another realm than the test's)
      if ((error as { name?: string }).name !== 'TypeError') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const settled = (session: SessionView): boolean => isTerminal(session.status) || session.status === 'parked';

const allSettled = async (ids: readonly string[], withinMs: number): Promise<SessionView[]> => {
  const open = new Set(ids);
  const done: SessionView[] = [];
  const end = Date.now() + withinMs;
  while (open.size > 0) {
    for (const id of open) {
      const session = await get<SessionView>(`/v1/sessions/${id}`);
      if (!settled(session)) break;
      open.delete(id);
      done.push(session);
    }
    if (Date.now() > end) {
      const stuck = await get<SessionView>(`/v1/sessions/${[...open][0] ?? ''}`);
      throw new Error(
        `seed ${seed}: ${open.size} sessions hang, e.g. ${JSON.stringify(stuck)}\n${runtime.log()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return done;
};

it(`loses nothing and doubles nothing when the process is killed ${KILLS} times (seed ${seed}; DORMOUSE_TEST_SEED repeats it)`, async () => {
  process.stdout.write(`kill.fault: seed ${seed}\n`);
  await runtime.start();
  const plans = Array.from({ length: SESSIONS }, () => randomPlan(random));
  const ids: string[] = [];
  const killedAt: number[] = [];
  const submitting = (async () => {
    for (const [i, plan] of plans.entries()) {
      // a share of them before each kill, so that none finds the process idle
      while (i >= SHARE * (killedAt.length + 1)) await new Promise((resolve) => setTimeout(resolve, 10));
      ids.push(await submit(plan, `fault-${seed}-${i}`));
    }
  })();
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 30 + random() * 700));
    killedAt.push(Date.now());
    await runtime.end('SIGKILL');
    await runtime.start();
    process.stdout.write(
      `kill.fault: kill ${kill + 1} with ${ids.length} accepted, up again after ${Date.now() - (killedAt.at(-1) ?? 0)} ms\n`,
    );
  }
  await submitting;
  process.stdout.write(`kill.fault: all accepted\n`);
  const sessions = await allSettled(ids, 90_000);
  expect(new Set(ids).size).toBe(SESSIONS);
  expect(sessions).toHaveLength(SESSIONS);

  const lines = readJournal(journal);
  const faults = journalFaults(lines);
  for (const session of sessions) {
    const { entries: timeline } = await get<{ entries: TimelineEntry[] }>(
      `/v1/sessions/${session.session_id}/timeline`,
    );
    const finished: Finished = { session, timeline };
    faults.push(
      ...historyFaults(finished),
      ...orderFaults(finished, session.plan as Plan),
      ...endFaults(finished, lines),
    );
  }
  expect({ seed, faults }).toEqual({ seed, faults: [] });
  const parked = sessions.filter(({ status }) => status === 'parked').length;
  process.stdout.write(
    `kill.fault: ${killedAt.length} kills, ${SESSIONS} sessions, ${parked} parked, ${lines.length} journal lines\n`,
  );
  expect(await runtime.end('SIGTERM')).toBe(0);
});
