import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type DeadLetterList,
  type DeadLetterView,
  DEFAULT_TOPICS,
  type Problem,
  type RedriveAnswer,
  type SessionView,
} from '#contracts';
import { eventually, tempDir } from '#testing';
import { type Booted, boot, closeGate, openGate } from './http/booted.js';
import { commandLine, type Ran } from './http/command-line.js';
import { written } from './http/written.js';

const ALL_TOOLS = './test/e2e/http/tools.mjs,./examples/own-tool/word-count.mjs';
const FEWER_TOOLS = './test/e2e/http/tools.mjs';

let app: Booted | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
  closeGate();
});

const letters = async (query = ''): Promise<DeadLetterView[]> => {
  const answer = await app!.call<DeadLetterList>('GET', `/v1/dead-letters${query}`);
  expect(answer.status).toBe(200);
  return answer.body.dead_letters;
};
const session = async (id: string): Promise<SessionView> =>
  (await app!.call<SessionView>('GET', `/v1/sessions/${id}`)).body;

const cli = (...args: string[]): Promise<Ran> => commandLine(app!.url, args, 200);

describe('records that nobody can process', () => {
  it('are listed newest first, shown as they were, and redriven to their topic', async () => {
    const dir = tempDir();
    const bytes = Buffer.from([0xff, 0x00, 0x7b]);
    const foreign = {
      specversion: '1.0',
      id: 'evt-1',
      source: '/theirs',
      type: 'com.southwest.ai.intent.tool_call',
      data: { session_id: 'theirs', tool_name: 'nowhere', parameters: { deep: [1, 2.5e3] } },
    };
    const later = { ...foreign, id: 'evt-2', dataschema: 'urn:dormouse:schema:intent.tool_call/v9' };
    await written(dir.path, [
      { topic: DEFAULT_TOPICS.intent, key: 'k', value: bytes, headers: { 'x-own': 'kept' } },
      { topic: DEFAULT_TOPICS.observation, key: 'k2', value: Buffer.from('{"no":"event"}') },
      { topic: DEFAULT_TOPICS.intent, key: 'theirs', value: Buffer.from(JSON.stringify(foreign)) },
      { topic: DEFAULT_TOPICS.intent, key: 'later', value: Buffer.from(JSON.stringify(later)) },
    ]);
    app = await boot({ DORMOUSE_DATA_DIR: dir.path });
    const all = await eventually(async () => {
      const found = await letters();
      return found.length === 4 ? found : null;
    });
    expect(all.map(({ reason }) => reason).sort()).toEqual([
      'invalid_event',
      'invalid_event',
      'unknown_tool',
      'unknown_version',
    ]);
    expect(all.every((letter) => letter.data === undefined && letter.data_base64 === undefined)).toBe(true);
    const times = all.map(({ at }) => at);
    expect(times).toEqual([...times].sort().reverse());

    const [raw] = (await letters('?reason=invalid_event&topic=agent.intent')) as [DeadLetterView];
    const shown = await app.call<DeadLetterView>('GET', `/v1/dead-letters/${raw.id}`);
    expect(shown.body).toMatchObject({
      data_base64: bytes.toString('base64'),
      key: 'k',
      headers: { 'x-own': 'kept' },
      deliveries: 1,
      attempts: 0,
      redriven: [],
    });
    const [unknown] = (await letters('?session_id=theirs&reason=unknown_tool')) as [DeadLetterView];
    const json = await app.call<DeadLetterView>('GET', `/v1/dead-letters/${unknown.id}`);
    expect(json.body.data).toEqual(foreign);

    // nothing was mended: it comes back, as another dead letter, and the first one says by whom it was sent
    const again = await app.call<DeadLetterView>('POST', `/v1/dead-letters/${raw.id}/redrive`, {
      json: { by: 'mara', reason: 'to see it come back' },
    });
    expect(again.status).toBe(202);
    expect(again.body.redriven).toEqual([
      { at: expect.any(String), by: 'mara', reason: 'to see it come back' },
    ]);
    const second = await eventually(
      async () => (await letters('?reason=invalid_event&topic=agent.intent&redriven=false'))[0] ?? null,
    );
    expect(second.id).not.toBe(raw.id);
    const copy = await app.call<DeadLetterView>('GET', `/v1/dead-letters/${second.id}`);
    expect(copy.body).toMatchObject({ data_base64: bytes.toString('base64'), key: 'k' });
    expect((await letters('?redriven=true')).map(({ id }) => id)).toEqual([raw.id]);

    // a page is what it says
    const page = await app.call<DeadLetterList>('GET', '/v1/dead-letters?limit=3');
    expect(page.body.dead_letters).toHaveLength(3);
    const rest = await letters(`?limit=3&cursor=${page.body.next_cursor!}`);
    expect([...page.body.dead_letters, ...rest].map(({ id }) => id)).toEqual(
      (await letters()).map(({ id }) => id),
    );
    // and other tenants have their own
    const theirs = { headers: { 'dormouse-tenant': 'other' } };
    expect((await app.call<DeadLetterList>('GET', '/v1/dead-letters', theirs)).body.dead_letters).toEqual([]);
    expect((await app.call('GET', `/v1/dead-letters/${raw.id}`, theirs)).status).toBe(404);
  });

  it.each([
    ['GET', '/v1/dead-letters?limit=0', undefined, 400],
    ['GET', '/v1/dead-letters?redriven=maybe', undefined, 400],
    ['GET', '/v1/dead-letters?colour=blue', undefined, 400],
    ['GET', '/v1/dead-letters?cursor=bm90aGluZw', undefined, 400],
    ['GET', '/v1/dead-letters/agent.intent.0.99.dead', undefined, 404],
    ['POST', '/v1/dead-letters/agent.intent.0.99.dead/redrive', {}, 404],
    ['POST', '/v1/dead-letters/agent.intent.0.99.dead/redrive', { who: 'me' }, 400],
    ['POST', '/v1/dead-letters/redrive', {}, 400],
    ['POST', '/v1/dead-letters/redrive', { filter: {} }, 400],
    ['DELETE', '/v1/dead-letters/agent.intent.0.99.dead', undefined, 405],
  ])('%s %s %j is answered by %i', async (method, path, json, status) => {
    app = await boot();
    const answer = await app.call<Problem>(method, path, json === undefined ? {} : { json });
    expect(answer.status).toBe(status);
    expect(answer.body.code).toEqual(expect.any(String));
  });
});

describe('a dead letter of a session', () => {
  it('parks it and names itself; redriven, the session completes once', async () => {
    const dir = tempDir();
    app = await boot({ DORMOUSE_DATA_DIR: dir.path, DORMOUSE_TOOLS: ALL_TOOLS, DORMOUSE_SHUTDOWN_MS: '100' });
    const { session_id: id } = await app.submit({
      plan: {
        steps: [
          { id: 'held', tool: 'at_gate' },
          { id: 'count', tool: 'count_words', parameters: { text: 'one two' } },
          { id: 'beside', tool: 'echo', parameters: { value: 7 }, after: ['held'] },
        ],
      },
    });
    await eventually(async () => (await session(id)).pending.length > 0);
    await app.closeWithoutOpening();

    // a release without the tool takes over
    openGate();
    app = await boot({ DORMOUSE_DATA_DIR: dir.path, DORMOUSE_TOOLS: FEWER_TOOLS });
    const parked = await eventually(
      async () => {
        const now = await session(id);
        return now.status === 'parked' && now.pending.length === 1 ? now : null;
      },
      { timeoutMs: 60_000 },
    );
    const [letter] = (await letters(`?session_id=${id}`)) as [DeadLetterView];
    expect(letter).toMatchObject({ reason: 'unknown_tool', attempts: 0, topic: DEFAULT_TOPICS.intent });
    expect(parked.error).toMatchObject({
      code: 'dead_letter',
      message: expect.stringContaining(letter.id),
      details: { dead_letter: letter.id, intent_id: parked.pending[0]!.intent_id },
    });
    await app.closeWithoutOpening();

    app = await boot({ DORMOUSE_DATA_DIR: dir.path, DORMOUSE_TOOLS: ALL_TOOLS });
    expect((await session(id)).status).toBe('parked');
    const redriven = await app.call<RedriveAnswer>('POST', '/v1/dead-letters/redrive', {
      json: { filter: { session_id: id }, by: 'mara', reason: 'the tool is back' },
    });
    expect(redriven.body).toEqual({ redriven: [letter.id], more: false });
    const done = await app.ended(id);
    expect(done).toMatchObject({
      status: 'completed',
      error: null,
      result: { count: { words: 2 }, beside: { value: 7 } },
    });
    const { entries } = await app.timeline(id);
    const told = entries.map((entry) => entry.payload as Record<string, unknown>);
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'redriven', dead_letter: letter.id, by: 'mara' }),
    );
    expect(
      told.filter((payload) => payload['tool_name'] === 'count_words' && 'status' in payload),
    ).toHaveLength(1);

    // once more changes nothing
    expect((await app.call('POST', `/v1/dead-letters/${letter.id}/redrive`)).status).toBe(202);
    expect((await letters(`?session_id=${id}`))[0]!.redriven).toHaveLength(2);
    expect((await app.timeline(id)).entries).toHaveLength(entries.length);
  });
});

describe('dormouse dead-letters', () => {
  it('lists, shows and redrives', async () => {
    const dir = tempDir();
    await written(dir.path, [
      { topic: DEFAULT_TOPICS.intent, key: 'k', value: Buffer.from('{"one":1}') },
      { topic: DEFAULT_TOPICS.intent, key: 'k', value: Buffer.from('{"two":2}') },
    ]);
    app = await boot({ DORMOUSE_DATA_DIR: dir.path });
    const [, first] = await eventually(async () => {
      const found = await letters();
      return found.length === 2 ? (found as [DeadLetterView, DeadLetterView]) : null;
    });
    const list = await cli('dead-letters', 'list', '--reason', 'invalid_event');
    expect(list.code).toBe(0);
    expect(list.out).toContain(first.id);
    const shown = await cli('--json', 'dead-letters', 'show', first.id);
    expect(JSON.parse(shown.out)).toMatchObject({ id: first.id, data: { one: 1 } });
    const one = await cli('dead-letters', 'redrive', first.id, '--by', 'mara');
    expect(one.out).toContain('published again');
    await eventually(async () => (await letters()).length === 3);
    expect((await letters(`?redriven=true`))[0]!.redriven[0]).toMatchObject({ by: 'mara' });
    const all = await cli('dead-letters', 'redrive', '--topic', DEFAULT_TOPICS.intent);
    expect(all.out).toContain('2 published again');
    const neither = await cli('dead-letters', 'redrive');
    expect(neither.code).not.toBe(0);
    expect(neither.err).toContain('--reason');
  });
});
