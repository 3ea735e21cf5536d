import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CloudEvent,
  EVENT_NAMES,
  type JsonObject,
  type PlanStep,
  sentEvent,
  type ToolCallData,
} from '#contracts';
import { dueWork } from '#scheduler';
import { eventually } from '#testing';
import { CommanderRig, TENANT } from './commander-rig.js';

let rig: CommanderRig;
beforeEach(async () => {
  rig = await CommanderRig.open();
});
afterEach(() => rig.close());

const CONTEXT = { source: '/test', typePrefix: 'com.southwest.ai', deployment: 'test' };
const asked = (id: string): PlanStep => ({
  id,
  tool: 'pay',
  parameters: { of: id },
  after: [],
  approval: true,
});
const waiting = async (...ids: string[]) => {
  const snapshot = await rig.begin({ plan: { steps: ids.map(asked) } });
  return { id: snapshot.session_id, snapshot, intents: snapshot.held!.map((h) => h.intent_id) };
};
const answer = (id: string, intent: string, decision: 'approve' | 'reject' = 'approve', by = 'ann') =>
  rig.inbox.approve(id, intent, { decision, by }, TENANT);
const calls = (id: string): CloudEvent<ToolCallData>[] =>
  rig.intents.filter(
    (e): e is CloudEvent<ToolCallData> => e.subject === id && e.type.endsWith(EVENT_NAMES.toolCall),
  );
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error as { code?: string }).code,
  );

describe('a held call', () => {
  it('is in the log when it is approved, with who did so and a time of its own, and not before', async () => {
    const { id, snapshot, intents } = await waiting('a');
    // what a step decided without publishing an intent has a record of its own
    await eventually(() => rig.intents.some((e) => e.type.endsWith(EVENT_NAMES.stepCommitted)));
    expect(calls(id)).toEqual([]);
    await answer(id, intents[0]!);
    await rig.deliver(id, EVENT_NAMES.approval);
    const [call] = await eventually(() => (calls(id).length > 0 ? calls(id) : undefined));
    const [pending] = (await rig.load(id)).pending;
    expect(call).toMatchObject({
      id: intents[0],
      time: new Date(pending!.emitted_at).toISOString(),
      data: { approved_by: 'ann', deadline: new Date(pending!.deadline_at).toISOString() },
    });
    expect(pending!.emitted_at).toBeGreaterThanOrEqual(snapshot.updated_at);
  });

  it('is no intent to a dispatcher that asks, nor to the sweeper', async () => {
    const { id, snapshot, intents } = await waiting('a');
    expect(await rig.store.isPending(id, intents[0]!)).toEqual({ kind: 'not_pending' });
    const now = snapshot.updated_at + 86_400_000;
    const work = dueWork(CONTEXT, { snapshot, claims: [], now, leaseMs: 3_000, timerMs: () => undefined });
    expect(work).toMatchObject({ intents: [], observations: [], nextAt: now + 3_600_000 });
  });
});

describe('an approval', () => {
  it('of another program is counted and changes nothing', async () => {
    const { id, intents, snapshot } = await waiting('a');
    const data = {
      intent_id: intents[0]!,
      decision: 'approve',
      by: 'ann',
      digest: snapshot.held![0]!.digest,
    };
    const sent = {
      id: `${intents[0]!}.approval`,
      name: EVENT_NAMES.approval,
      at: 1,
      version: 3,
      data,
    } as const;
    const { deploymentid: _, ...foreign } = sentEvent(CONTEXT, snapshot, sent);
    await rig.observe(foreign);
    expect(rig.commander.counts.foreign).toBe(1);
    expect(await rig.load(id)).toEqual(snapshot);
  });

  it('that the log did not take is published again by the sweeper', async () => {
    const { id, intents } = await waiting('a');
    rig.transport.fault = 'before';
    expect(await code(answer(id, intents[0]!))).toBe('unavailable');
    const snapshot = await rig.load(id);
    const now = snapshot.updated_at + 10_000;
    const work = dueWork(CONTEXT, { snapshot, claims: [], now, leaseMs: 3_000, timerMs: () => undefined });
    expect(await rig.store.wakeOf(id)).toBeLessThanOrEqual(now);
    await rig.observe(work.observations[0]!);
    expect((await rig.load(id)).pending).toMatchObject([{ intent_id: intents[0], approved_by: 'ann' }]);
  });

  it('delivered ten times is applied once', async () => {
    const { id, intents } = await waiting('a', 'b');
    await answer(id, intents[1]!, 'reject');
    for (let i = 0; i < 10; i++) await rig.deliver(id, EVENT_NAMES.approval);
    const history = await rig.store.history(id, [`approval:${intents[1]!}`, 'step:b']);
    expect(history.map((e) => e.kind)).toEqual(['approval', 'observation']);
    expect(await rig.load(id)).toMatchObject({ status: 'failed' });
  });

  it.each([
    ['after', 'not_awaited'],
    ['before', 'accepted'],
  ])('that is sent %s a cancel, with no step between, lets nothing run', async (when, answered) => {
    const { id, intents } = await waiting('a');
    if (when === 'before') expect(await code(answer(id, intents[0]!))).toBe(answered);
    await rig.sessions.cancel(id, TENANT);
    if (when === 'after') expect(await code(answer(id, intents[0]!))).toBe(answered);
    else await rig.deliver(id, EVENT_NAMES.approval);
    await rig.deliver(id, EVENT_NAMES.cancel);
    expect(await rig.load(id)).toMatchObject({ status: 'cancelled', pending: [] });
    const told = (await rig.store.timeline(id))
      .map(({ payload }) => payload as JsonObject)
      .filter(({ type }) => type === 'approval');
    expect(told.map(({ refused }) => refused)).toEqual(when === 'before' ? ['not_awaited'] : []);
    expect(await code(answer(id, intents[0]!, 'approve', 'bob'))).toBe(
      when === 'before' ? 'already_answered' : 'session_ended',
    );
    expect(calls(id)).toEqual([]);
  });

  it('and a cancel at one time: one of them is first, and both are told what came of it', async () => {
    for (let i = 0; i < 20; i++) {
      const { id, intents } = await waiting('a');
      const [approved] = await Promise.all([code(answer(id, intents[0]!)), rig.sessions.cancel(id, TENANT)]);
      if (approved === 'accepted') await rig.deliver(id, EVENT_NAMES.approval);
      else expect(approved).toBe('not_awaited');
      await rig.deliver(id, EVENT_NAMES.cancel);
      expect(await rig.load(id)).toMatchObject({ status: 'cancelled', pending: [] });
      expect(calls(id)).toEqual([]);
    }
  });
});
