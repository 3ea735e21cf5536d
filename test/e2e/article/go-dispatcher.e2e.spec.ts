import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionView } from '#contracts';
import { eventually, goProgram, LocalProcess, RuntimeProcess, tempDir } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from '../on-servers.js';

const EXAMPLE = 'examples/article-go-dispatcher';
const SESSIONS = 20;
const TERMINAL = ['completed', 'failed', 'compensated', 'cancelled', 'parked'];

/** how to end what was started, in its order */
const ends: (() => unknown)[] = [];
let servers: NodeJS.ProcessEnv;
let program: string;

beforeAll(async () => {
  program = goProgram(EXAMPLE);
  servers = await sharedServers();
}, SERVER_START_MS);

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const startRuntime = async (env: NodeJS.ProcessEnv): Promise<RuntimeProcess> => {
  const runtime = await RuntimeProcess.create(env);
  ends.push(() => runtime.remove());
  await runtime.start();
  return runtime;
};

const startGo = async (env: NodeJS.ProcessEnv): Promise<LocalProcess> => {
  const folder = tempDir('dormouse-go');
  const process = await LocalProcess.start({
    name: 'go',
    command: program,
    args: [],
    folder: folder.path,
    env,
  });
  ends.push(async () => {
    await process.end('SIGKILL');
    folder.remove();
  });
  return process;
};

const submitted = async (url: string, body: object): Promise<string> => {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const session = (await response.json()) as SessionView;
  expect({ status: response.status, session }).toMatchObject({ status: 202 });
  return session.session_id;
};

const ended = (url: string, id: string): Promise<SessionView> =>
  eventually(
    async () => {
      const session = (await (await fetch(`${url}/v1/sessions/${id}`)).json()) as SessionView;
      return TERMINAL.includes(session.status) ? session : null;
    },
    { timeoutMs: 90_000, everyMs: 50 },
  );

const endsOf = async (url: string, body: object): Promise<SessionView[]> => {
  const ids = await Promise.all(Array.from({ length: SESSIONS }, () => submitted(url, body)));
  return Promise.all(ids.map((id) => ended(url, id)));
};

const settings = () => ({
  ...servers,
  ...freshNames(),
  DORMOUSE_EXTERNAL_TOOLS: join(EXAMPLE, 'tools.json'),
  DORMOUSE_TOOLS: './examples/own-tool/word-count.mjs',
});

describe("another program's dispatcher, which answers with session id, tool name, status and result alone", () => {
  it('serves our sessions in the place of our dispatchers', async () => {
    const env = settings();
    const runtime = await startRuntime({ ...env, DORMOUSE_ROLES: 'api,commander,scheduler' });
    const go = await startGo({ ...env, GROUP_ID: env.DORMOUSE_GROUP_DISPATCHER });
    const plan = JSON.parse(readFileSync(join(EXAMPLE, 'plan.json'), 'utf8')) as object;
    const [, shown = ''] = /```json\n(.+)\n```/.exec(readFileSync(join(EXAMPLE, 'README.md'), 'utf8')) ?? [];
    const expected: unknown = JSON.parse(shown);
    for (const { status, result } of await endsOf(runtime.url, plan))
      expect({ status, result }).toEqual({ status: 'completed', result: expected });
    expect(await runtime.end('SIGTERM')).toBe(0);
    await go.end('SIGTERM');
    expect(go.output()).toContain('served sess-');
  });

  it('serves its own tool beside our dispatchers, which serve theirs', async () => {
    const env = settings();
    const runtime = await startRuntime(env);
    await startGo({ ...env, GROUP_ID: `${env.DORMOUSE_GROUP_DISPATCHER}.go` });
    const steps = [
      { id: 'words', tool: 'count_words', parameters: { text: 'a flight to Dallas' } },
      { id: 'seats', tool: 'check_seats', parameters: { flight: { $ref: 'words', pointer: '/longest' } } },
      { id: 'again', tool: 'count_words', parameters: { text: { $ref: 'seats', pointer: '/flight' } } },
    ];
    for (const { status, result } of await endsOf(runtime.url, { plan: { steps } }))
      expect({ status, result }).toEqual({
        status: 'completed',
        result: {
          words: { words: 4, longest: 'flight' },
          seats: { flight: 'flight', seats_left: 18 },
          again: { words: 1, longest: 'flight' },
        },
      });
    expect(await runtime.end('SIGTERM')).toBe(0);
  });
});
