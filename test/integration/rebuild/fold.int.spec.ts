import { afterEach, describe, expect, it } from '@jest/globals';
import { type CloudEvent, EVENT_NAMES, outboxEvents, type PlanStep, type Snapshot } from '#contracts';
import { Engine } from '#engine';
import { nextToken } from '#idempotency';
import { type Folded, foldSession, SessionLog } from '#rebuild';
import { EmbeddedSessionStore, type SessionStore } from '#state';
import { eventually, type FakeClock, fakeClock, seededRandom, tempDir } from '#testing';
import { CommanderRig } from '../commander/commander-rig.js';
import { events, RandomSession, Talker } from './random-session.js';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const SESSIONS = Number(process.env['RUNS'] ?? 150);
const MOST_EVENTS = 60;
const RETENTION_MS = 86_400_000;
const rules = { typePrefix: events.typePrefix, deployment: events.deployment, resultLimitBytes: 8 << 20 };

let rig: CommanderRig;
let clock: FakeClock;
let engine: Engine;
let rebuilt: EmbeddedSessionStore;
afterEach(async () => {
  await rig.close();
  await rebuilt.close();
  await engine.close();
});

const open = async (random: () => number): Promise<void> => {
  clock = fakeClock();
  rig = await CommanderRig.open([new Talker(random)], {}, clock.now);
  engine = await Engine.open({ dir: tempDir('rebuilt').path, clock: clock.now });
  rebuilt = new EmbeddedSessionStore(engine);
};

/** All that the topics hold of a session. */
const logOf = async ({ id, told }: RandomSession): Promise<CloudEvent[]> => {
  const snapshot = await rig.load(id);
  const last = outboxEvents(events, snapshot).map((e) => e.id);
  const intents = () => rig.intents.filter((e) => e.subject === id);
  await eventually(() => last.every((event) => intents().some((e) => e.id === event)));
  const sent = snapshot.inbox ?? [];
  await eventually(() => sent.every((s) => rig.observations.some((e) => e.id === s.id)));
  return [...rig.observations.filter((e) => e.subject === id), ...told, ...intents()];
};

const folded = (id: string, all: readonly CloudEvent[]): Folded => {
  const log = new SessionLog(id, rules);
  for (const event of all) log.add(event);
  return foldSession(log, clock.now(), RETENTION_MS);
};

const write = async (fold: Folded): Promise<void> => {
  if (fold.kind !== 'session') throw new Error(`expected a session, got ${fold.kind}`);
  await rebuilt.create(fold.creation);
  for (const { snapshot, history, timeline, wakeAt } of fold.steps)
    expect(
      await rebuilt.commit({
        token: nextToken(),
        expectedVersion: snapshot.version - 1,
        snapshot,
        history,
        timeline,
        wakeAt,
      }),
    ).toEqual({ kind: 'committed' });
};

const sight = async (store: SessionStore, id: string) => ({
  snapshot: await store.load(id),
  history: await store.history(id),
  timeline: await store.timeline(id),
});

it('gives every session back as it was, whatever happened to it', async () => {
  process.stdout.write(`fold: SEED=${seed}\n`);
  const random = seededRandom(seed);
  await open(random);
  const statuses = new Map<string, number>();
  for (let n = 0; n < SESSIONS; n++) {
    const session = await RandomSession.submit(rig, random, clock);
    const most = Math.floor(random() * MOST_EVENTS);
    for (let i = 0; i < most && (await session.happen()); i++);
    const fold = folded(session.id, await logOf(session));
    await write(fold);
    expect(fold).not.toHaveProperty('damage');
    const was = await sight(rig.store, session.id);
    expect(await sight(rebuilt, session.id)).toEqual(was);
    const status = was.snapshot?.status ?? '';
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  process.stdout.write(`${JSON.stringify(Object.fromEntries(statuses))}\n`);
  expect(statuses.size).toBeGreaterThan(4);
});

describe('a log that does not have all', () => {
  const begun = async (...steps: PlanStep[]): Promise<{ snapshot: Snapshot; all: CloudEvent[] }> => {
    await open(seededRandom(1));
    const snapshot = await rig.begin({ plan: { steps } });
    const all = () => [...rig.observations, ...rig.intents];
    await eventually(() => all().length === 1 + snapshot.pending.length);
    return { snapshot, all: all() };
  };
  const twoPays = [
    { id: 'a', tool: 'pay', after: [] },
    { id: 'b', tool: 'look', after: [] },
  ];
  const sessionOf = (fold: Folded) => {
    if (fold.kind !== 'session') throw new Error(fold.kind);
    return fold;
  };

  it('of an unfinished session names what may not be run again', async () => {
    const { snapshot, all } = await begun(...twoPays);
    const fold = sessionOf(folded(snapshot.session_id, all));
    expect(fold.snapshot).toEqual(snapshot);
    expect(fold.known).toEqual([
      { intentId: `${snapshot.session_id}.1.0`, digest: snapshot.pending[0]!.digest },
    ]);
    const answer = rig.result(snapshot, snapshot.pending[0]!, { status: 'succeeded' });
    // in the log, and applied by no step
    expect(sessionOf(folded(snapshot.session_id, [...all, answer])).known).toEqual([
      {
        intentId: `${snapshot.session_id}.1.0`,
        digest: snapshot.pending[0]!.digest,
        outcome: expect.objectContaining({ status: 'succeeded' }),
      },
    ]);
    await rig.observe(answer);
    const applied = await eventually(() => rig.intents.length > 2 && rig.intents.slice(2));
    expect(sessionOf(folded(snapshot.session_id, [...all, answer, ...applied])).known).toEqual([]);
  });

  it('takes back a step of which an intent is missing: it comes again', async () => {
    const { snapshot, all } = await begun(...twoPays);
    const id = snapshot.session_id;
    const fold = sessionOf(
      folded(
        id,
        all.filter((e) => e.id !== `${id}.1.1`),
      ),
    );
    expect(fold.snapshot).toMatchObject({ version: 1, status: 'queued' });
    expect(fold).not.toHaveProperty('damage');
    // its first intent is in the log, and may have been run
    expect(fold.known).toHaveLength(1);
  });

  it('is no session without its beginning, nor one that ended long ago', async () => {
    const { snapshot, all } = await begun({ id: 'a', tool: 'look' });
    const id = snapshot.session_id;
    expect(folded(id, all.slice(1))).toEqual({ kind: 'headless' });
    const answer = rig.result(snapshot, snapshot.pending[0]!);
    await rig.observe(answer);
    const ended = await eventually(() => rig.intents.length === 2 && [...all, answer, rig.intents[1]!]);
    expect(sessionOf(folded(id, ended)).snapshot).toMatchObject({ status: 'completed' });
    await clock.advance(RETENTION_MS + 1000);
    expect(folded(id, ended)).toEqual({ kind: 'expired' });
  });

  /** The event as it is in the log when its payload was kept in the store. */
  const withoutPayload = (event: CloudEvent): CloudEvent => {
    const { data: _, ...rest } = event;
    return { ...rest, dataref: `blob:{x}:${'0'.repeat(64)}` };
  };
  const losing = (all: readonly CloudEvent[], which: (e: CloudEvent) => boolean) =>
    all.map((event) => (which(event) ? withoutPayload(event) : event));

  it('that has lost a body ends the session, and says why', async () => {
    const { snapshot, all } = await begun({ id: 'a', tool: 'look' });
    const lost = losing(all, (e) => e.type.endsWith(EVENT_NAMES.sessionCreated));
    const fold = folded(snapshot.session_id, lost);
    await write(fold);
    const { error, status } = sessionOf(fold).snapshot;
    expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'payload_lost' } });
    expect((await rebuilt.timeline(snapshot.session_id)).at(-1)).toMatchObject({
      payload: { status: 'failed' },
    });
  });

  it('that has lost an outcome parks a running session, and keeps the end of an ended one', async () => {
    const { snapshot, all } = await begun({ id: 'a', tool: 'look' }, { id: 'b', tool: 'look' });
    const id = snapshot.session_id;
    const first = rig.result(snapshot, snapshot.pending[0]!, { result: 'large' });
    await rig.observe(first);
    const second = await rig.load(id);
    await eventually(() => rig.intents.length === 2);
    const half = () => losing([...all, first, ...rig.intents], (e) => e.id === first.id);
    const parked = folded(id, half());
    await write(parked);
    expect(sessionOf(parked).snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'payload_lost', details: { event: first.id, pending: [`${id}.2.0`] } },
    });
    const last = rig.result(second, second.pending[0]!);
    await rig.observe(last);
    await eventually(() => rig.intents.length === 3);
    const ended = sessionOf(folded(id, [...half(), last]));
    expect(ended.snapshot).toEqual(await rig.load(id));
    expect(ended.damage).toMatchObject({ code: 'payload_lost' });
    expect(ended.steps[1]?.history[0]).toMatchObject({ outcome: { result: { lost: expect.any(String) } } });
  });

  it('that has lost what a person sent parks the session before the step that took it up', async () => {
    const { snapshot, all } = await begun({ id: 'a', tool: 'look' });
    const id = snapshot.session_id;
    await rig.inbox.message(id, { content: 'large' }, { tenant: 'default' });
    await rig.deliver(id, EVENT_NAMES.userMessage);
    const whole = await eventually(
      () => rig.intents.length === 2 && [...all, ...rig.observations.slice(1), ...rig.intents],
    );
    expect(sessionOf(folded(id, whole)).snapshot).toEqual(await rig.load(id));
    const fold = sessionOf(
      folded(
        id,
        losing(whole, (e) => e.type.endsWith(EVENT_NAMES.userMessage)),
      ),
    );
    expect(fold.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'payload_lost', details: { event: `${id}.message.3` } },
    });
  });

  it('that has lost what a step decided parks the session there', async () => {
    const { snapshot, all } = await begun({ id: 'a', tool: 'look' });
    const id = snapshot.session_id;
    const fold = sessionOf(
      folded(
        id,
        losing(all, (e) => e.id === `${id}.1.0`),
      ),
    );
    expect(fold.snapshot).toMatchObject({ version: 2, status: 'parked', error: { code: 'payload_lost' } });
  });
});
