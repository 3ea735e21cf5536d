import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Plan, type SessionView, type TimelineEntry, isTerminal } from '#contracts';
import { eventually, RuntimeProcess, tempDir } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { scrape } from '../e2e/http/prometheus.js';
import { freshNames, sharedServers } from '../e2e/on-servers.js';

/*
 * Attempts are runs that ended by themselves. What a crash cut short is none, and a pause between two of them, whoever
 * asked for it, outlives the process.
 */

/** A server that answers as it is told, and knows when it was asked. */
let server: Server;
let asked: { at: number; key: string | undefined }[];
let answer: (response: ServerResponse, request: number) => void;
let servers: NodeJS.ProcessEnv;
beforeAll(async () => {
  servers = await sharedServers();
  server = createServer((request, response) => {
    asked.push({ at: Date.now(), key: request.headers['idempotency-key'] as string | undefined });
    answer(response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}, SERVER_START_MS);
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

let folder: ReturnType<typeof tempDir>;
let journal: string;
let runtime: RuntimeProcess;
beforeEach(() => {
  asked = [];
  folder = tempDir();
  journal = join(folder.path, 'journal');
});
afterEach(async () => {
  await runtime.remove();
  folder.remove();
});

const begin = async (env: NodeJS.ProcessEnv): Promise<void> => {
  runtime = await RuntimeProcess.create({
    ...env,
    DORMOUSE_TOOLS: './test/fault/retry-tools.mjs',
    DORMOUSE_HTTP_ALLOW: host(),
    DORMOUSE_LEASE_MS: '1000',
    TEST_JOURNAL: journal,
  });
  await runtime.start();
};
const killed = async (): Promise<void> => {
  await runtime.end('SIGKILL');
  await runtime.start();
};

/** Runs of a tool that were begun: when, and as which attempt. */
const begun = (): { at: number; attempt: number }[] =>
  existsSync(journal)
    ? readFileSync(journal, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ').map(Number))
        .map(([at = 0, attempt = 0]) => ({ at, attempt }))
    : [];

const call = async <T>(path: string, init?: RequestInit): Promise<T> => {
  const response = await fetch(runtime.url + path, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
};
const submit = async (step: Omit<Plan['steps'][number], 'id'>): Promise<string> => {
  const body = JSON.stringify({ plan: { steps: [{ id: 'it', ...step }] } });
  const headers = { 'content-type': 'application/json' };
  return (await call<SessionView>('/v1/sessions', { method: 'POST', headers, body })).session_id;
};
const ended = (id: string): Promise<SessionView> =>
  eventually(
    async () => {
      const session = await call<SessionView>(`/v1/sessions/${id}`);
      return isTerminal(session.status) || session.status === 'parked' ? session : null;
    },
    { timeoutMs: 60_000, everyMs: 50, what: `${id} ends` },
  );
const observationOf = async (id: string): Promise<Record<string, unknown>> => {
  const { entries } = await call<{ entries: TimelineEntry[] }>(`/v1/sessions/${id}/timeline`);
  const found = entries.filter(
    ({ type, payload }) => type === 'observation' && 'status' in (payload as object),
  );
  expect(found).toHaveLength(1);
  return found[0]!.payload as Record<string, unknown>;
};
/** The pause is kept by its claim: nothing in the process waits for its end. */
const leftToItsClaim = async (): Promise<void> => {
  await eventually(async () => (await scrape(runtime.url)).of('dormouse_intents_in_flight') === 0, {
    everyMs: 20,
    what: 'nothing is under way',
  });
};

const drivers = [
  ['the embedded engine', () => ({}) as NodeJS.ProcessEnv],
  ['Kafka and Redis', () => ({ ...servers, ...freshNames(), DORMOUSE_KAFKA_SESSION_MS: '1500' })],
] as const;

describe.each(drivers)('on %s', (_, env) => {
  it('five deaths use up no attempt', async () => {
    await begin(env());
    const id = await submit({ tool: 'held' });
    for (let death = 1; death <= 5; death++) {
      await eventually(() => begun().length === death, { timeoutMs: 60_000, what: `delivery ${death}` });
      await killed();
    }
    await eventually(() => begun().length === 6, {
      timeoutMs: 60_000,
      what: 'the delivery after five deaths',
    });
    writeFileSync(`${journal}.open`, '');
    expect(await ended(id)).toMatchObject({ status: 'completed', result: { it: { attempt: 2 } } });
    // of its two attempts it failed one
    expect(begun().map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1, 2]);
    expect(await observationOf(id)).toMatchObject({ status: 'succeeded', attempts: 2 });
  }, 180_000);

  it('a pause of the retry policy outlives the process, and so does the attempt before it', async () => {
    await begin(env());
    const id = await submit({ tool: 'failing_once' });
    await eventually(() => begun().length === 1);
    await leftToItsClaim();
    await killed();
    expect(await ended(id)).toMatchObject({ status: 'completed', result: { it: { attempt: 2 } } });
    const [first, second, ...more] = begun();
    expect(more).toEqual([]);
    expect(second!.attempt).toBe(2);
    // 6 s, and half as much at least
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(3_000);
  }, 90_000);

  it.each([
    ['a 429 of a POST that may not be repeated', 429, { method: 'POST' }],
    ['a 503 of a GET', 503, { method: 'GET' }],
  ])(
    'Retry-After of %s is kept through a crash',
    async (_what, status, parameters) => {
      answer = (response, request) => {
        if (request === 1) response.writeHead(status, { 'retry-after': '4' }).end();
        else response.end('served');
      };
      await begin(env());
      const id = await submit({
        tool: 'http_request',
        parameters: { ...parameters, url: `http://${host()}/` },
      });
      await eventually(() => asked.length === 1);
      await leftToItsClaim();
      await killed();
      expect(await ended(id)).toMatchObject({ status: 'completed', result: { it: { body: 'served' } } });
      expect(asked).toHaveLength(2);
      expect(asked[1]!.at - asked[0]!.at).toBeGreaterThanOrEqual(4_000);
      expect(asked[1]!.key).toBe(asked[0]!.key);
      expect(await observationOf(id)).toMatchObject({ attempts: 2 });
    },
    90_000,
  );

  it('what a crash cut off is not run again, but asked about after its deadline', async () => {
    const cases = [
      [
        { outcome: 'done', result: { found: 7 } },
        { status: 'completed', result: { it: { found: 7 } } },
      ],
      [
        { outcome: 'not_done' },
        { status: 'failed', error: { message: expect.stringContaining('nothing was done') as unknown } },
      ],
      [{ outcome: 'unknown' }, { status: 'parked', stuck: [{ tool_name: 'probed' }] }],
    ] as const;
    await begin(env());
    const ids = await Promise.all(
      cases.map(([answered]) => submit({ tool: 'probed', parameters: { answer: answered } })),
    );
    await eventually(() => begun().length === cases.length);
    await killed();
    for (const [i, [, ends]] of cases.entries()) expect(await ended(ids[i]!)).toMatchObject(ends);
    expect(begun()).toHaveLength(cases.length);
  }, 120_000);
});

describe('is not tried again', () => {
  it.each([
    ['what says that no retry helps', 404, {}, 'failed', /the server refused it/],
    [
      'what asks for more than its deadline leaves',
      429,
      { 'retry-after': '86400' },
      'failed',
      /deadline leaves/,
    ],
  ] as const)('%s', async (_what, status, headers, ends, message) => {
    answer = (response) => response.writeHead(status, headers).end();
    await begin({});
    const id = await submit({
      tool: 'http_request',
      parameters: { method: 'GET', url: `http://${host()}/` },
    });
    expect((await ended(id)).status).toBe(ends);
    expect(asked).toHaveLength(1);
    expect(await observationOf(id)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { message: expect.stringMatching(message) as unknown },
    });
  });
});
