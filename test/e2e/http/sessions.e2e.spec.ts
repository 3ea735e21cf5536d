import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, SessionList, SessionView, ToolList } from '#contracts';
import { eventually } from '#testing';
import { type Booted, boot, closeGate, echo, gate, gated, openGate, quick } from './booted.js';

let app: Booted;
beforeAll(async () => {
  app = await boot();
});
afterAll(() => app.close());
afterEach(closeGate);

describe('a session', () => {
  it('is accepted, runs, and can be looked at', async () => {
    const answer = await app.call<SessionView>('POST', '/v1/sessions', {
      json: {
        plan: { steps: [echo('a', { x: 1 }), echo('b', { $ref: 'a', pointer: '/value/x' })] },
        metadata: { k: 'v' },
      },
      headers: { traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01' },
    });
    expect(answer.status).toBe(202);
    const { session_id: id } = answer.body;
    expect(id).toMatch(/^sess-[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(answer.headers.get('location')).toBe(`/v1/sessions/${id}`);
    expect(answer.body).toMatchObject({
      status: 'queued',
      version: 1,
      trace_id: '0123456789abcdef0123456789abcdef',
    });
    const session = await app.ended(id);
    expect(session).toMatchObject({
      session_id: id,
      status: 'completed',
      brain: 'plan',
      result: { a: { value: { x: 1 } }, b: { value: 1 } },
      error: null,
      pending: [],
      metadata: { k: 'v' },
      usage: { tool_calls: 2 },
    });
    const { entries } = await app.timeline(id);
    expect(entries.map((e) => e.seq)).toEqual(entries.map((_, i) => i + 1));
    expect(entries[0]).toMatchObject({ type: 'status', payload: { status: 'queued' } });
    expect(entries.at(-1)).toMatchObject({ type: 'status', payload: { status: 'completed' } });
    expect(entries.filter((e) => e.type === 'intent')).toHaveLength(2);
    expect(entries.filter((e) => e.type === 'observation')).toHaveLength(2);
  });

  it('that fails says why', async () => {
    const { session_id: id } = await app.submit({ plan: { steps: [echo('a'), { id: 'b', tool: 'fail' }] } });
    const session = await app.ended(id);
    expect(session.status).toBe('failed');
    expect(session.error).toMatchObject({ message: expect.any(String) });
    expect(session.result).toMatchObject({ a: { value: 1 } });
  });

  it('with an input needs an LLM: 422 says what to set', async () => {
    const answer = await app.call<Problem>('POST', '/v1/sessions', { json: { input: 'hello' } });
    expect(answer.status).toBe(422);
    expect(answer.body.code).toBe('no_brain');
    expect(answer.body.detail).toContain('OPENAI_BASE_URL');
  });
});

describe('an idempotency key', () => {
  it('used 200 times at once makes one session, which runs once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        app.call<SessionView>('POST', '/v1/sessions', {
          json: quick('once'),
          headers: { 'idempotency-key': 'the key' },
        }),
      ),
    );
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([202]));
    const ids = new Set(answers.map((a) => a.body.session_id));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    expect((await app.ended(id)).usage.tool_calls).toBe(1);
    const { entries } = await app.timeline(id);
    expect(entries.filter((e) => e.type === 'intent')).toHaveLength(1);
  });

  it('used with another body is a conflict', async () => {
    const headers = { 'idempotency-key': 'taken' };
    await app.submit(quick(1), headers);
    const answer = await app.call<Problem>('POST', '/v1/sessions', { json: quick(2), headers });
    expect([answer.status, answer.body.code]).toEqual([409, 'idempotency_conflict']);
  });

  it('means the same body whatever the order of its fields', async () => {
    const headers = { 'idempotency-key': 'ordered', 'content-type': 'application/json' };
    const one = await app.call<SessionView>('POST', '/v1/sessions', {
      body: '{"plan":{"steps":[{"id":"a","tool":"echo"}]},"saga":true}',
      headers,
    });
    const two = await app.call<SessionView>('POST', '/v1/sessions', {
      body: '{ "saga": true, "plan": {"steps": [{"tool":"echo", "id":"a"}]} }',
      headers,
    });
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(two.body.session_id).toBe(one.body.session_id);
  });

  it('is its tenant’s own', async () => {
    const headers = { 'idempotency-key': 'shared word' };
    const mine = await app.submit(quick(), { ...headers, 'dormouse-tenant': 'one' });
    const theirs = await app.submit(quick(), { ...headers, 'dormouse-tenant': 'two' });
    expect(theirs.session_id).not.toBe(mine.session_id);
  });
});

describe('a tenant', () => {
  it('sees no session of another: not by id, not by list, and can’t cancel it', async () => {
    const { session_id: id } = await app.submit(gated(), { 'dormouse-tenant': 'owner' });
    const paths: [string, string][] = [
      ['GET', `/v1/sessions/${id}`],
      ['GET', `/v1/sessions/${id}/timeline`],
      ['GET', `/v1/sessions/${id}/events`],
      ['POST', `/v1/sessions/${id}/cancel`],
    ];
    for (const headers of [{}, { 'dormouse-tenant': 'thief' }] as Record<string, string>[])
      for (const [method, path] of paths) {
        const answer = await app.call<Problem>(method, path, { headers });
        expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not_found']);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
      }
    const list = await app.call<SessionList>('GET', '/v1/sessions?limit=500', {
      headers: { 'dormouse-tenant': 'thief' },
    });
    expect(list.body.sessions).toEqual([]);
    const own = await app.call<SessionView>('GET', `/v1/sessions/${id}`, {
      headers: { 'dormouse-tenant': 'owner' },
    });
    expect(own.status).toBe(200);
    openGate();
  });
});

describe('a cancel', () => {
  it('ends a session that waits for a tool, and answers 202 again on a repeat', async () => {
    const { session_id: id } = await app.submit(gated());
    await eventually(() => gate.waiting.size > 0, { what: 'the tool waits' });
    const first = await app.call<SessionView>('POST', `/v1/sessions/${id}/cancel`, {
      json: { reason: 'enough' },
    });
    const again = await app.call<SessionView>('POST', `/v1/sessions/${id}/cancel`);
    expect(first.status).toBe(202);
    expect([202, 409]).toContain(again.status);
    const session = await app.ended(id);
    expect(session.status).toBe('cancelled');
    const late = await app.call<Problem>('POST', `/v1/sessions/${id}/cancel`);
    expect([late.status, late.body.code]).toEqual([409, 'session_ended']);
  });

  it('with a key is answered 202 also when the session has ended by it', async () => {
    const { session_id: id } = await app.submit(gated());
    const cancel = (json: object) =>
      app.call('POST', `/v1/sessions/${id}/cancel`, { json, headers: { 'idempotency-key': 'stop' } });
    expect((await cancel({ reason: 'enough' })).status).toBe(202);
    await app.ended(id);
    expect((await cancel({ reason: 'enough' })).status).toBe(202);
    expect((await cancel({ reason: 'another' })).status).toBe(409);
    const { session_id: done } = await app.submit(quick());
    await app.ended(done);
    const late = await app.call('POST', `/v1/sessions/${done}/cancel`, {
      headers: { 'idempotency-key': 'stop' },
    });
    expect(late.status).toBe(409);
  });

  it('of a session that isn’t there is a 404', async () => {
    expect((await app.call('POST', '/v1/sessions/sess-none/cancel')).status).toBe(404);
  });
});

describe('the list', () => {
  const tenant = { 'dormouse-tenant': 'lister' };
  const list = async (query: string): Promise<SessionList> => {
    const answer = await app.call<SessionList>('GET', `/v1/sessions${query}`, { headers: tenant });
    expect(answer.status).toBe(200);
    return answer.body;
  };
  const ids: string[] = [];
  beforeAll(async () => {
    for (let i = 0; i < 25; i++) {
      const session = await app.submit(
        { ...quick(i), metadata: { parity: i % 2 === 0 ? 'even' : 'odd', 'a.b': 'c' } },
        tenant,
      );
      ids.unshift(session.session_id);
    }
    for (const id of ids) {
      await eventually(async () => {
        const answer = await app.call<SessionView>('GET', `/v1/sessions/${id}`, { headers: tenant });
        return answer.body.status === 'completed';
      });
    }
  });

  it('is newest first, in pages that leave nothing out and repeat nothing', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: SessionList = await list(
        `?limit=7${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      expect(page.sessions.length).toBeLessThanOrEqual(7);
      seen.push(...page.sessions.map((s) => s.session_id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(ids);
  });

  it('keeps what a filter asks for', async () => {
    expect((await list('?metadata.parity=even')).sessions).toHaveLength(13);
    expect((await list('?metadata.parity=even&metadata.a.b=c')).sessions).toHaveLength(13);
    expect((await list('?metadata.parity=even&metadata.a.b=d')).sessions).toEqual([]);
    await eventually(async () => (await list('?status=completed')).sessions.length === 25);
    expect((await list('?status=failed')).sessions).toEqual([]);
    expect((await list('?created_after=2100-01-01T00:00:00Z')).sessions).toEqual([]);
    expect((await list('?created_after=2000-01-01T00:00:00Z')).sessions).toHaveLength(25);
  });
});

describe('the rest of the API', () => {
  it('tells the tools', async () => {
    const { body } = await app.call<ToolList>('GET', '/v1/tools');
    expect(body.tools.find((t) => t.name === 'echo')).toMatchObject({
      description: 'answers what it was given',
      effect: 'pure',
      parameters: { type: 'object' },
      timeout_ms: 30_000,
      served_by: 'dispatcher',
    });
    expect(body.tools.map((t) => t.name)).toEqual(expect.arrayContaining(['wait', 'at_gate', 'fail']));
  });

  it('tells that it lives, and who it is', async () => {
    const { status, body } = await app.call('GET', '/health/live');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'ok',
      pid: process.pid,
      instance: expect.any(String),
      roles: ['api', 'commander', 'dispatcher', 'scheduler'],
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it('tells that it is ready, and what it looked at', async () => {
    const { status, body } = await app.call<{ status: string; checks: { name: string; ok: boolean }[] }>(
      'GET',
      '/health/ready',
    );
    expect(body).toMatchObject({ status: 'ready' });
    expect(status).toBe(200);
    expect(body.checks.length).toBeGreaterThan(3);
  });

  it('has a page that shows its description', async () => {
    const page = await app.call<string>('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(links.length).toBeGreaterThanOrEqual(3);
    for (const link of links) expect([link, (await app.call('GET', link)).status]).toEqual([link, 200]);
    expect((await app.call('GET', '/docs/..%2fpackage.json')).status).toBe(404);
    expect((await app.call('GET', '/docs/package.json')).status).toBe(404);
  });
});
