import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionView } from '#contracts';
import { eventually, RuntimeProcess } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from './on-servers.js';

const ROLES_OF_PROCESSES = ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'];

const plan = {
  steps: [
    { id: 'nap', tool: 'wait', parameters: { ms: 300 } },
    { id: 'left', tool: 'count_words', parameters: { text: 'one two' }, after: ['nap'] },
    { id: 'right', tool: 'count_words', parameters: { text: 'three' }, after: ['nap'] },
    {
      id: 'joined',
      tool: 'count_words',
      parameters: { text: { $ref: 'left', pointer: '/longest' } },
      after: ['left', 'right'],
    },
  ],
};

let servers: NodeJS.ProcessEnv;
beforeAll(async () => {
  servers = { ...(await sharedServers()), DORMOUSE_TOOLS: './examples/own-tool/word-count.mjs' };
}, SERVER_START_MS);

const ownNames = (): NodeJS.ProcessEnv => ({ ...servers, ...freshNames() });

const SESSIONS = 20;

const runSessions = async (url: string): Promise<SessionView[]> => {
  const ids = await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const response = await fetch(`${url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ plan }),
      });
      const body = (await response.json()) as SessionView;
      expect({ status: response.status, body }).toMatchObject({ status: 202 });
      return body.session_id;
    }),
  );
  const get = async (id: string) => (await (await fetch(`${url}/v1/sessions/${id}`)).json()) as SessionView;
  await eventually(
    async () => (await Promise.all(ids.map(get))).every((session) => session.status === 'completed'),
    { timeoutMs: 60_000 },
  );
  return Promise.all(ids.map(get));
};

const result = {
  nap: expect.anything(),
  left: { words: 2, longest: 'one' },
  right: { words: 1, longest: 'three' },
  joined: { words: 1, longest: 'one' },
};

describe('on Kafka and Redis', () => {
  const processes: RuntimeProcess[] = [];
  afterAll(async () => {
    await Promise.all(processes.map((process) => process.remove()));
  });

  const start = async (env: NodeJS.ProcessEnv): Promise<RuntimeProcess> => {
    const runtime = await RuntimeProcess.create(env);
    processes.push(runtime);
    await runtime.start();
    return runtime;
  };

  it('runs sessions to their end in one process', async () => {
    const runtime = await start(ownNames());
    for (const session of await runSessions(runtime.url)) expect(session.result).toEqual(result);
    expect(await runtime.end('SIGTERM')).toBe(0);
  });

  it('runs them the same with each role in processes of its own', async () => {
    const names = ownNames();
    const started = await Promise.all(
      ROLES_OF_PROCESSES.map((role, index) =>
        start({ ...names, DORMOUSE_ROLES: role, DORMOUSE_INSTANCE: `${role}-${index}` }),
      ),
    );
    for (const session of await runSessions(started[0]?.url ?? '')) expect(session.result).toEqual(result);
    for (const process of started) expect(await process.end('SIGTERM')).toBe(0);
  });
});
