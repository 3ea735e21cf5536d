import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { EffectClass, Json } from '#contracts';
import type { ToolContext } from '../../registry/tool.definition.js';
import { type HttpParameters, httpRequestTool } from './http.tool.js';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Handler = (request: Seen, response: ServerResponse, socket: Socket) => void;

let server: Server;
let port: number;
let seen: Seen[];
let handler: Handler;
let http: ReturnType<typeof httpRequestTool>;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      handler(one, response, request.socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  handler = (_request, response) => response.end('fine');
  http = httpRequestTool({ allow: [`127.0.0.1:${String(port)}`, 'localhost'], bodyLimitBytes: 1_000 });
});
afterEach(() => http.close());

const at = (path = '/') => `http://127.0.0.1:${String(port)}${path}`;
const context = (signal = new AbortController().signal): ToolContext => ({
  intentId: 'sess-a.1.0',
  idempotencyKey: 'sess-a.1.0',
  sessionId: 'sess-a',
  traceId: '0123456789abcdef0123456789abcdef',
  traceparent: '00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01',
  attempt: 1,
  signal,
  heartbeat: () => undefined,
  logger: { debug: () => 0, log: () => 0, warn: () => 0, error: () => 0 },
});
const call = (parameters: HttpParameters, signal?: AbortSignal): Promise<Json> =>
  http.definition.run(parameters, context(signal)) as Promise<Json>;
const kind = async (parameters: HttpParameters, signal?: AbortSignal) => {
  try {
    return { result: await call(parameters, signal) };
  } catch (error) {
    const { kind: what, code, message, details, afterMs } = error as Record<string, unknown>;
    return { kind: what ?? code, message, details, afterMs };
  }
};

describe('a request', () => {
  it('is sent with its key, its trace and its body, and answered with the parsed body', async () => {
    handler = (_request, response) => {
      response.writeHead(201, { 'content-type': 'application/json; charset=utf-8', 'x-more': 'yes' });
      response.end('{"id":7}');
    };
    const answer = await call({
      method: 'POST',
      url: at('/things?a=1'),
      headers: { 'X-Own': '1', Host: 'evil.example', 'Idempotency-Key': 'mine', 'content-length': '3' },
      body: { name: 'thing' },
    });
    expect(answer).toMatchObject({ status: 201, headers: { 'x-more': 'yes' }, body: { id: 7 } });
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: '/things?a=1',
        body: '{"name":"thing"}',
        headers: {
          host: `127.0.0.1:${String(port)}`,
          'x-own': '1',
          'content-type': 'application/json',
          'idempotency-key': 'sess-a.1.0',
          traceparent: '00-0123456789abcdef0123456789abcdef-00f067aa0ba902b7-01',
        },
      },
    ]);
  });

  it('keeps text as text, binary as base64, and broken JSON as it came', async () => {
    const bodies: [string, Buffer | string, Json][] = [
      ['text/plain', 'hällo', 'hällo'],
      ['image/png', Buffer.from([1, 2, 3]), 'AQID'],
      ['application/json', '{broken', '{broken'],
      ['application/problem+json', '{"a":1}', { a: 1 }],
      ['text/plain', '', null],
    ];
    for (const [type, body, expected] of bodies) {
      handler = (_request, response) => {
        response.writeHead(200, { 'content-type': type });
        response.end(body);
      };
      expect(await call({ method: 'GET', url: at() })).toMatchObject({ body: expected });
    }
  });

  it.each<[HttpParameters['method'], boolean | undefined, EffectClass]>([
    ['GET', undefined, 'pure'],
    ['HEAD', undefined, 'pure'],
    ['PUT', undefined, 'idempotent'],
    ['DELETE', undefined, 'idempotent'],
    ['POST', undefined, 'irreversible'],
    ['PATCH', false, 'irreversible'],
    ['POST', true, 'idempotent'],
    ['GET', true, 'pure'],
  ])('%s (idempotent: %s) is %s', (method, idempotent, effect) => {
    const { effect: of } = http.definition;
    const parameters = { method, url: at(), ...(idempotent === undefined ? {} : { idempotent }) };
    expect(typeof of === 'function' && of(parameters)).toBe(effect);
  });
});

describe('a failure', () => {
  it.each([
    [400, 'non_retryable'],
    [404, 'non_retryable'],
    [429, 'retryable'],
    [500, 'unknown_outcome'],
    [503, 'unknown_outcome'],
  ])('of status %i is %s', async (status, expected) => {
    handler = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{"why":"so"}');
    };
    expect(await kind({ method: 'POST', url: at() })).toMatchObject({
      kind: expected,
      details: { status, body: { why: 'so' } },
    });
  });

  it.each([
    [429, { 'retry-after': '7' }, 'retryable', 7_000],
    [429, {}, 'retryable', undefined],
    [503, { 'retry-after': '0.5' }, 'unknown_outcome', 500],
    [503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 'unknown_outcome', undefined],
    [404, { 'retry-after': '7' }, 'non_retryable', undefined],
  ])(
    'of status %i with %j is %s, and to be tried again after %p ms',
    async (status, headers, expected, after) => {
      handler = (_request, response) => {
        response.writeHead(status, headers);
        response.end();
      };
      expect(await kind({ method: 'GET', url: at() })).toMatchObject({ kind: expected, afterMs: after });
    },
  );

  it('with a date to be tried again at is left alone until then', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    handler = (_request, response) => {
      response.writeHead(503, { 'retry-after': date });
      response.end();
    };
    const { afterMs } = await kind({ method: 'GET', url: at() });
    // a date has no parts of a second
    expect(afterMs).toBeGreaterThan(50_000);
    expect(afterMs).toBeLessThanOrEqual(60_000);
  });

  it.each<[string, Handler]>([
    ['before it answers', (_request, _response, socket) => socket.destroy()],
    [
      'within its answer',
      (_request, response, socket) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => socket.destroy());
      },
    ],
  ])('by a connection cut %s may have been done', async (_name, cuts) => {
    handler = cuts;
    expect(await kind({ method: 'POST', url: at(), body: 'x' })).toMatchObject({ kind: 'unknown_outcome' });
    expect(seen).toHaveLength(1);
  });

  it('on a connection that was kept from an earlier call may have been done', async () => {
    await call({ method: 'GET', url: at() });
    handler = (_request, _response, socket) => socket.destroy();
    expect(await kind({ method: 'POST', url: at() })).toMatchObject({ kind: 'unknown_outcome' });
  });

  it('by a server that speaks no HTTP may have been done', async () => {
    const odd = createTcpServer((socket) => socket.end('hello\r\n'));
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    const { port: oddPort } = odd.address() as AddressInfo;
    const own = httpRequestTool({ allow: [`127.0.0.1:${String(oddPort)}`], bodyLimitBytes: 10 });
    await expect(
      own.definition.run({ method: 'POST', url: `http://127.0.0.1:${String(oddPort)}/` }, context()),
    ).rejects.toMatchObject({ kind: 'unknown_outcome' });
    own.close();
    odd.close();
  });

  it('to connect is worth another try: nothing was sent', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const own = httpRequestTool({ allow: [`127.0.0.1:${String(free)}`], bodyLimitBytes: 10 });
    await expect(
      own.definition.run({ method: 'POST', url: `http://127.0.0.1:${String(free)}/` }, context()),
    ).rejects.toMatchObject({
      kind: 'retryable',
      message: expect.stringMatching(/nothing was sent.*ECONNREFUSED/) as unknown,
    });
    own.close();
  });

  it('by an abort while it waits may have been done', async () => {
    const controller = new AbortController();
    handler = () => controller.abort(new Error('enough'));
    expect(await kind({ method: 'POST', url: at() }, controller.signal)).toMatchObject({
      kind: 'unknown_outcome',
    });
  });

  it('by an answer over the limit says that it was done', async () => {
    handler = (_request, response) => response.end('x'.repeat(1_001));
    expect(await kind({ method: 'POST', url: at() })).toMatchObject({
      kind: 'result_too_large',
      details: { executed: true },
    });
  });

  it.each([
    ['no URL', { url: 'nowhere' }, /url: expected an absolute URL, got "nowhere"/],
    ['another scheme', { url: 'file:///etc/passwd' }, /expected http: or https:, got file:/],
    ['a password', { url: 'http://a:b@127.0.0.1/' }, /no user name and password/],
    ['a header that HTTP can not carry', { headers: { 'x-y': 'a\nb' } }, /Invalid character in header/],
  ])('by %s is told', async (_name, more, message) => {
    expect(await kind({ method: 'GET', url: at(), ...more })).toMatchObject({
      kind: 'non_retryable',
      message: expect.stringMatching(message) as unknown,
    });
  });
});

describe('what may not be reached', () => {
  it.each([
    [
      'a host that is not listed',
      'http://example.com/',
      /add example.com or example.com:80 to DORMOUSE_HTTP_ALLOW/,
    ],
    ['another port', 'http://127.0.0.1:1/', /127.0.0.1:1 is not among the hosts/],
  ])('%s', async (_name, url, message) => {
    expect(await kind({ method: 'GET', url })).toMatchObject({
      kind: 'non_retryable',
      message: expect.stringMatching(message) as unknown,
    });
    expect(seen).toEqual([]);
  });

  it('a listed name that leads to a private address which is not', async () => {
    // "localhost" names the loopback addresses; an alias of it (RFC 6761) doesn't
    const own = httpRequestTool({ allow: ['a.localhost'], bodyLimitBytes: 10 });
    await expect(
      own.definition.run({ method: 'GET', url: `http://a.localhost:${String(port)}/` }, context()),
    ).rejects.toMatchObject({ kind: expect.stringMatching(/^(non_retryable|retryable)$/) as unknown });
    expect(seen).toEqual([]);
    own.close();
  });

  it('a listed address that is private is, being named', async () => {
    expect(await kind({ method: 'GET', url: `http://localhost:${String(port)}/` })).toMatchObject({
      result: { status: 200 },
    });
  });
});

describe('a redirect', () => {
  const redirects =
    (status: number, location: string): Handler =>
    (request, response) => {
      if (request.url === '/there') response.end('there');
      else {
        response.writeHead(status, { location });
        response.end();
      }
    };

  it.each([301, 302, 303, 307, 308])('%i of a GET is followed', async (status) => {
    handler = redirects(status, '/there');
    expect(await call({ method: 'GET', url: at() })).toMatchObject({ status: 200, body: 'there' });
  });

  it('that says that a POST was not served is followed with its body; another is the answer', async () => {
    handler = redirects(307, '/there');
    expect(await call({ method: 'POST', url: at(), body: 'x' })).toMatchObject({ body: 'there' });
    expect(seen.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'x'],
      ['POST', 'x'],
    ]);
    handler = redirects(303, '/there');
    expect(await call({ method: 'POST', url: at(), body: 'x' })).toMatchObject({
      status: 303,
      headers: { location: '/there' },
    });
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]:80/',
    'http://example.com/',
    'file:///etc/passwd',
  ])('to %s is checked again, and refused', async (location) => {
    handler = redirects(302, location);
    expect(await kind({ method: 'GET', url: at() })).toMatchObject({ kind: 'non_retryable' });
    expect(seen).toHaveLength(1);
  });

  it('without an end is given up', async () => {
    handler = redirects(302, '/again');
    expect(await kind({ method: 'GET', url: at() })).toMatchObject({
      kind: 'non_retryable',
      message: expect.stringMatching(/more than 5 redirects/) as unknown,
    });
    expect(seen).toHaveLength(6);
  });

  it('to another origin takes no credentials along', async () => {
    handler = redirects(302, `http://localhost:${String(port)}/there`);
    await call({ method: 'GET', url: at(), headers: { authorization: 'secret', accept: '*/*' } });
    expect(seen.map(({ headers }) => [headers.authorization, headers.accept])).toEqual([
      ['secret', '*/*'],
      [undefined, '*/*'],
    ]);
  });
});
