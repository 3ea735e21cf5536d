import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem } from '#contracts';
import { type Booted, boot, type CallInit, quick } from './booted.js';

let app: Booted;
beforeAll(async () => {
  app = await boot({ DORMOUSE_BODY_LIMIT: '16KiB' });
});
afterAll(() => app.close());

const json = (body: string): CallInit => ({ body, headers: { 'content-type': 'application/json' } });

interface Wanted {
  status: number;
  code: string;
  field?: string;
}

describe('bad input', () => {
  it.each<[string, string, string, CallInit, Wanted]>([
    [
      'broken JSON',
      'POST',
      '/v1/sessions',
      json('{"input":'),
      { status: 400, code: 'invalid_request', field: '' },
    ],
    ['no body', 'POST', '/v1/sessions', {}, { status: 400, code: 'invalid_request', field: '' }],
    ['an empty body', 'POST', '/v1/sessions', json(''), { status: 400, code: 'invalid_request', field: '' }],
    [
      'bytes that are no UTF-8',
      'POST',
      '/v1/sessions',
      { body: new Uint8Array([0x22, 0xff, 0x22]), headers: { 'content-type': 'application/json' } },
      { status: 400, code: 'invalid_request', field: '' },
    ],
    [
      'an unknown field',
      'POST',
      '/v1/sessions',
      { json: { ...quick(), prio: 1 } },
      { status: 400, code: 'invalid_request', field: '/prio' },
    ],
    [
      'an unknown field deep inside',
      'POST',
      '/v1/sessions',
      { json: { plan: { steps: [{ id: 'a', tool: 'echo', retries: 3 }] } } },
      { status: 400, code: 'invalid_request', field: '/plan/steps/0/retries' },
    ],
    [
      'input and plan together',
      'POST',
      '/v1/sessions',
      { json: { ...quick(), input: 'x' } },
      { status: 400, code: 'invalid_request', field: '' },
    ],
    [
      'a __proto__',
      'POST',
      '/v1/sessions',
      json('{"input":"x","metadata":{"__proto__":"y"}}'),
      { status: 400, code: 'invalid_request', field: '' },
    ],
    [
      'nesting without end',
      'POST',
      '/v1/sessions',
      json(`{"input":${'['.repeat(7000)}${']'.repeat(7000)}}`),
      { status: 400, code: 'invalid_request', field: '' },
    ],
    [
      'too large a body',
      'POST',
      '/v1/sessions',
      json(`{"input":"${'x'.repeat(17_000)}"}`),
      { status: 413, code: 'body_too_large' },
    ],
    [
      'XML',
      'POST',
      '/v1/sessions',
      { body: '<a/>', headers: { 'content-type': 'application/xml' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'a media type that is none',
      'POST',
      '/v1/sessions',
      { body: '{}', headers: { 'content-type': ';;;' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'lines where one body is wanted',
      'POST',
      '/v1/sessions',
      { body: '{}', headers: { 'content-type': 'application/x-ndjson' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'an unknown tool',
      'POST',
      '/v1/sessions',
      { json: { plan: { steps: [{ id: 'a', tool: 'none' }] } } },
      { status: 400, code: '*' },
    ],
    [
      'a cycle',
      'POST',
      '/v1/sessions',
      {
        json: {
          plan: {
            steps: [
              { id: 'a', tool: 'echo', after: ['b'] },
              { id: 'b', tool: 'echo', after: ['a'] },
            ],
          },
        },
      },
      { status: 400, code: 'invalid_plan' },
    ],
    [
      'a $ref to no ancestor',
      'POST',
      '/v1/sessions',
      {
        json: {
          plan: {
            steps: [
              { id: 'a', tool: 'echo', after: [] },
              { id: 'b', tool: 'echo', after: [], parameters: { value: { $ref: 'a' } } },
            ],
          },
        },
      },
      { status: 400, code: 'invalid_plan' },
    ],
    [
      'an unknown brain',
      'POST',
      '/v1/sessions',
      { json: { input: 'x', brain: 'oracle' } },
      { status: 400, code: 'invalid_request', field: '/brain' },
    ],
    [
      'a query where none is',
      'POST',
      '/v1/sessions?dry_run=1',
      { json: quick() },
      { status: 400, code: 'invalid_request', field: 'query.dry_run' },
    ],
    [
      'a tenant of odd letters',
      'POST',
      '/v1/sessions',
      { json: quick(), headers: { 'dormouse-tenant': 'a b' } },
      { status: 400, code: 'invalid_request', field: 'header.Dormouse-Tenant' },
    ],
    [
      'an empty key',
      'POST',
      '/v1/sessions',
      { json: quick(), headers: { 'idempotency-key': '' } },
      { status: 400, code: 'invalid_request', field: 'header.Idempotency-Key' },
    ],
    [
      'an endless key',
      'POST',
      '/v1/sessions',
      { json: quick(), headers: { 'idempotency-key': 'x'.repeat(256) } },
      { status: 400, code: 'invalid_request', field: 'header.Idempotency-Key' },
    ],
    [
      'an unknown status',
      'GET',
      '/v1/sessions?status=done',
      {},
      { status: 400, code: 'invalid_request', field: 'query.status' },
    ],
    [
      'a limit of zero',
      'GET',
      '/v1/sessions?limit=0',
      {},
      { status: 400, code: 'invalid_request', field: 'query.limit' },
    ],
    [
      'a limit too high',
      'GET',
      '/v1/sessions?limit=501',
      {},
      { status: 400, code: 'invalid_request', field: 'query.limit' },
    ],
    [
      'a limit in words',
      'GET',
      '/v1/sessions?limit=many',
      {},
      { status: 400, code: 'invalid_request', field: 'query.limit' },
    ],
    [
      'a wrong parameter beside an unknown one',
      'GET',
      '/v1/sessions?order=asc&limit=501',
      {},
      { status: 400, code: 'invalid_request', field: 'query.limit' },
    ],
    [
      'a repeated parameter',
      'GET',
      '/v1/sessions?limit=1&limit=2',
      {},
      { status: 400, code: 'invalid_request', field: 'query.limit' },
    ],
    [
      'an unknown parameter',
      'GET',
      '/v1/sessions?order=asc',
      {},
      { status: 400, code: 'invalid_request', field: 'query.order' },
    ],
    [
      'a nameless metadata filter',
      'GET',
      '/v1/sessions?metadata.=x',
      {},
      { status: 400, code: 'invalid_request', field: 'query.metadata.' },
    ],
    [
      'a day that is none',
      'GET',
      '/v1/sessions?created_after=2026-02-30T00:00:00Z',
      {},
      { status: 400, code: 'invalid_request', field: 'query.created_after' },
    ],
    [
      'a cursor of nobody’s',
      'GET',
      '/v1/sessions?cursor=%F0%9F%90%AD',
      {},
      { status: 400, code: 'invalid_cursor', field: 'query.cursor' },
    ],
    [
      'an empty cursor',
      'GET',
      '/v1/sessions?cursor=',
      {},
      { status: 400, code: 'invalid_request', field: 'query.cursor' },
    ],
    [
      'an id that nobody has',
      'GET',
      '/v1/sessions/sess-00000000000000000000000000',
      {},
      { status: 404, code: 'not_found' },
    ],
    ['an id of odd letters', 'GET', '/v1/sessions/%00%2e%2e', {}, { status: 404, code: 'not_found' }],
    ['an endless id', 'GET', `/v1/sessions/${'x'.repeat(5000)}`, {}, { status: 404, code: 'not_found' }],
    ['an id that can’t be decoded', 'GET', '/v1/sessions/%ff', {}, { status: 400, code: 'invalid_request' }],
    ['an unknown path', 'GET', '/v2/sessions', {}, { status: 404, code: 'not_found' }],
    ['the root', 'GET', '/', {}, { status: 404, code: 'not_found' }],
    [
      'a cancel with an unknown field',
      'POST',
      '/v1/sessions/sess-x/cancel',
      { json: { force: true } },
      { status: 400, code: 'invalid_request', field: '/force' },
    ],
    [
      'a cancel in another type',
      'POST',
      '/v1/sessions/sess-x/cancel',
      { json: { compensate: 'yes' } },
      { status: 400, code: 'invalid_request', field: '/compensate' },
    ],
  ])('%s', async (_what, method, path, init, wanted) => {
    const answer = await app.call<Problem>(method, path, init);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.status).toBe(wanted.status);
    expect(answer.body.status).toBe(wanted.status);
    if (wanted.code !== '*') expect(answer.body.code).toBe(wanted.code);
    expect(answer.body.detail).toMatch(/expected|there is no/i);
    if (wanted.field !== undefined) {
      const field = answer.body.fields?.find((f) => f.field === wanted.field);
      expect(field).toEqual({
        field: wanted.field,
        expected: expect.any(String),
        came: expect.any(String),
      });
    }
  });

  it.each<[string, string, string]>([
    ['DELETE', '/v1/sessions', 'GET, HEAD, POST'],
    ['PUT', '/v1/sessions/sess-x', 'GET, HEAD'],
    ['GET', '/v1/sessions/sess-x/cancel', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['OPTIONS', '/v1/tools', 'GET, HEAD'],
  ])('the wrong method: %s %s', async (method, path, allow) => {
    const answer = await app.call<Problem>(method, path);
    expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each<[string, string, number]>([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['an endless header', `GET /health/live HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
      400,
    ],
  ])('on the wire, %s', async (_what, bytes, status) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({
      code: 'invalid_request',
    });
  });

  it('leaves the server as it was', async () => {
    expect((await app.call('GET', '/health/ready')).status).toBe(200);
    expect((await app.ended((await app.submit(quick())).session_id)).status).toBe('completed');
  });
});
