import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, SessionList } from '#contracts';
import { eventually } from '#testing';
import { type Booted, boot, quick } from './booted.js';

type Line = { session_id: string; status: string } | Problem;

let app: Booted;
beforeAll(async () => {
  app = await boot({ DORMOUSE_BODY_LIMIT: '4096' });
});
afterAll(() => app.close());

const batch = async (body: string, headers: Record<string, string> = {}): Promise<Line[]> => {
  const answer = await app.call<string>('POST', '/v1/sessions/batch', {
    body,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
  return answer.body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
};

const codeOf = (line: Line): string => ('code' in line ? line.code : line.status);

describe('a batch', () => {
  it('answers every line in order, and a wrong line harms no other', async () => {
    const lines = [
      JSON.stringify(quick(1)),
      'not JSON',
      '{}',
      '[1]',
      JSON.stringify({ ...quick(2), extra: true }),
      '',
      '   ',
      JSON.stringify({ plan: { steps: [{ id: 'a', tool: 'no_such_tool' }] } }),
      `{"input":"${'x'.repeat(5000)}"}`,
      JSON.stringify({ input: 'needs an LLM' }),
      JSON.stringify({ ...quick(3), idempotency_key: '' }),
      JSON.stringify({ ...quick(4), idempotency_key: 'key' }),
      JSON.stringify({ ...quick(4), idempotency_key: 'key' }),
      JSON.stringify({ ...quick(5), idempotency_key: 'key' }),
      JSON.stringify(quick(6)),
    ];
    const answers = await batch(lines.join('\r\n'));
    expect(answers.map(codeOf).map((code) => (code === 'invalid_plan' ? 'invalid_request' : code))).toEqual([
      'queued',
      'invalid_request',
      'invalid_request',
      'invalid_request',
      'invalid_request',
      expect.stringMatching(/invalid_request|unknown_tool/),
      'body_too_large',
      'no_brain',
      'invalid_request',
      'queued',
      expect.any(String),
      'idempotency_conflict',
      'queued',
    ]);
    const [first, again] = [answers[9], answers[10]] as { session_id: string }[];
    expect(again?.session_id).toBe(first?.session_id);
    for (const answer of answers)
      if ('code' in answer)
        expect(answer).toMatchObject({
          detail: expect.any(String),
          status: expect.any(Number),
        });
  });

  it('of some thousand lines makes as many sessions, all of which end', async () => {
    const tenant = { 'dormouse-tenant': 'burst' };
    const count = 3000;
    const answers = await batch(
      Array.from({ length: count }, (_, i) => `${JSON.stringify(quick(i))}\n`).join(''),
      tenant,
    );
    const ids = answers.map((a) => ('session_id' in a ? a.session_id : ''));
    expect(new Set(ids).size).toBe(count);
    const completed = async (): Promise<number> => {
      let seen = 0;
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body }: { body: SessionList } = await app.call<SessionList>(
          'GET',
          `/v1/sessions?limit=500&status=completed${cursor === '' ? '' : `&cursor=${cursor}`}`,
          { headers: tenant },
        );
        seen += body.sessions.length;
        cursor = body.next_cursor;
      }
      return seen;
    };
    await eventually(async () => (await completed()) === count, { timeoutMs: 50_000, everyMs: 200 });
    for (const id of [ids[0], ids[count - 1]]) {
      const { body } = await app.call<{ status: string }>('GET', `/v1/sessions/${id ?? ''}`, {
        headers: tenant,
      });
      expect(body.status).toBe('completed');
    }
  });

  it('answers a line before the next one is sent', async () => {
    const answers: string[] = [];
    const call = request(`${app.url}/v1/sessions/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' },
    });
    call.flushHeaders();
    const response = await new Promise<IncomingMessage>((resolve) => call.once('response', resolve));
    response
      .setEncoding('utf8')
      .on('data', (text: string) => answers.push(...text.split('\n').filter((line) => line !== '')));
    for (let i = 1; i <= 3; i++) {
      call.write(`${JSON.stringify(quick(i))}\n`);
      await eventually(() => answers.length === i);
    }
    call.end(JSON.stringify(quick(4)));
    await new Promise((resolve) => response.once('end', resolve));
    expect(answers).toHaveLength(4);
  });

  it('that is cut leaves accepted what was answered, and the server well', async () => {
    const call = request(`${app.url}/v1/sessions/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const answers: string[] = [];
    call.write(`${JSON.stringify(quick('cut'))}\n{"input":`);
    const response = await new Promise<IncomingMessage>((resolve) => call.once('response', resolve));
    response.on('error', () => undefined);
    call.on('error', () => undefined);
    response.setEncoding('utf8').on('data', (text: string) => answers.push(text));
    await eventually(() => answers.length === 1);
    call.destroy();
    const { session_id: id } = JSON.parse(answers[0] ?? '') as { session_id: string };
    expect((await app.ended(id)).status).toBe('completed');
  });

  it('waits for a client that sends and does not read', async () => {
    let written = 0;
    const call = request(`${app.url}/v1/sessions/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    call.on('error', () => undefined);
    // every line is refused with a long answer, so that answers pile up
    const line = `${JSON.stringify({ nonsense: 'x'.repeat(50) })}\n`.repeat(200);
    const stalled = eventually(
      async () => {
        const before = written;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return written > 0 && written === before;
      },
      { timeoutMs: 20_000 },
    );
    const write = (): void => {
      while (written < 200_000_000) {
        written += line.length;
        if (!call.write(line)) return void call.once('drain', write);
      }
    };
    write();
    await stalled;
    expect(written).toBeLessThan(200_000_000);
    call.destroy();
    expect((await app.call('GET', '/health/live')).status).toBe(200);
  });

  it.each([
    ['application/json', '{}'],
    ['text/plain', 'x'],
  ])('of media type %s is a 415', async (type, body) => {
    const answer = await app.call<Problem>('POST', '/v1/sessions/batch', {
      body,
      headers: { 'content-type': type },
    });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });
});
