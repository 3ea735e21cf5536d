import { afterEach, describe, expect, it } from '@jest/globals';
import { EVENT_NAMES, type Submission } from '#contracts';
import type { Brain, Decision, ThinkContext } from '#commander';
import { foldSession, SessionLog } from '#rebuild';
import { eventually } from '#testing';
import { CommanderRig, TENANT } from './commander-rig.js';

let rig: CommanderRig;
afterEach(() => rig.close());

const input: Submission = { input: 'Go' };
const look = { calls: [{ tool: 'look', parameters: {}, call: 'call_1' }] };
const done: Decision = { calls: [], finish: { kind: 'completed', result: { text: 'done' } } };

/** A model whose turns are functions; each sees what the history holds. */
const model = (...turns: (() => Decision | Promise<Decision>)[]): Brain & { heard: string[][] } => {
  const heard: string[][] = [];
  return {
    name: 'openai',
    thinksAfter: 'all',
    heard,
    unavailable: () => undefined,
    think: async (context: ThinkContext) => {
      heard.push((await context.history()).map((e) => (e.kind === 'message' ? e.content : e.kind)));
      return { message: `turn ${heard.length}`, ...(await turns.shift()!()) };
    },
  };
};
const write = (id: string, content: string, key?: string) =>
  rig.inbox.message(id, { content }, { ...TENANT, ...(key === undefined ? {} : { idempotencyKey: key }) });

describe('a message that is accepted', () => {
  it('before the ending is written keeps the session from ending: it thinks again', async () => {
    let id = '';
    const brain = model(
      async () => {
        await write(id, 'wait!');
        return done;
      },
      () => look,
    );
    rig = await CommanderRig.open([brain]);
    id = (await rig.submit(input)).session_id;
    await rig.deliver(id, EVENT_NAMES.sessionCreated);
    expect(brain.heard).toEqual([['Go'], ['Go', 'wait!']]);
    expect(await rig.load(id)).toMatchObject({ status: 'waiting_tool', step: 1 });
    expect(rig.commander.counts.conflicts).toBe(1);
    // its own record, which comes after, changes nothing
    await rig.deliver(id, EVENT_NAMES.userMessage);
    expect(rig.commander.counts.ignored.duplicate).toBe(1);
  });

  it('and never got into the log is read all the same, and the log tells of it', async () => {
    const brain = model(
      () => look,
      () => done,
    );
    rig = await CommanderRig.open([brain]);
    const { session_id: id, pending } = await rig.begin(input);
    rig.transport.fault = 'before';
    await expect(write(id, 'hello', 'k')).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    const result = rig.result(await rig.load(id), pending[0]!);
    await rig.observe(result);
    const ended = await rig.load(id);
    expect(ended).toMatchObject({ status: 'completed' });
    expect(brain.heard[1]).toEqual(['Go', 'brain', 'observation', 'hello']);
    // its repeat is answered as the first would have been
    expect(await write(id, 'hello', 'k')).toEqual(ended);
    await eventually(() => rig.intents.length === 2);
    const log = new SessionLog(id, {
      typePrefix: 'com.southwest.ai',
      deployment: 'test',
      resultLimitBytes: 1 << 20,
    });
    for (const event of [...rig.observations, result, ...rig.intents]) log.add(event);
    const fold = foldSession(log, Date.now(), 1 << 30);
    expect(fold).toMatchObject({ kind: 'session', snapshot: ended });
    expect(fold).not.toHaveProperty('damage');
  });

  it('is in the log as the event that the contracts name', async () => {
    rig = await CommanderRig.open([model(() => look)]);
    const { session_id: id } = await rig.begin(input);
    await write(id, 'hello');
    const event = await eventually(() => rig.observations.find((e) => e.type.endsWith('user_message')));
    expect(event).toMatchObject({
      type: 'com.southwest.ai.observation.user_message',
      id: `${id}.message.3`,
      subject: id,
      deploymentid: 'test',
      data: { session_id: id, content: 'hello' },
    });
  });
});

it('a message of a program of others is counted, and nobody reads it', async () => {
  rig = await CommanderRig.open([model(() => look)]);
  const { session_id: id } = await rig.begin(input);
  await write(id, 'hello');
  const ours = await eventually(() => rig.observations.find((e) => e.type.endsWith('user_message')));
  const { deploymentid: _, ...foreign } = ours;
  const before = await rig.load(id);
  await rig.observe({ ...foreign, source: '/others' });
  await rig.observe({ ...foreign, data: { session_id: 'theirs' } });
  expect(rig.commander.counts.foreign).toBe(2);
  expect(await rig.load(id)).toEqual(before);
});
