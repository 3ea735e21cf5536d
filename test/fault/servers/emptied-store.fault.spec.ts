import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Problem, Readiness } from '#contracts';
import type { RebuildReport } from '#rebuild';
import { eventually } from '#testing';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { FaultRun } from './fault-run.js';

const RUNNING = 1_000;
/** some may be done before the last is accepted */
const BURST = 1_100;
const PER_SECOND = 50;
/** some are in their tools by then, some still rest */
const REST = { fromMs: 4_000, toMs: 10_000 };
/** well below the tools' timeout, which a short machine may delay */
const LONGEST_TOOL_MS = 900;

let redis: RedisServer;
let run: FaultRun | undefined;
beforeAll(async () => {
  [redis] = await Promise.all([startRedisServer(), sharedKafka()]);
}, SERVER_START_MS);
afterAll(async () => {
  await run?.remove();
  await redis.stop();
});

interface Ended {
  code: number;
  out: string;
  complaints: string;
}

const dormouse = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, ['dist/src/cli/main.js', ...args], options, (error, out, complaints) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, complaints });
    });
  });

const readiness = async (url: string): Promise<Readiness> =>
  (await (await fetch(`${url}/health/ready`)).json()) as Readiness;

const submit = async (url: string): Promise<{ status: number; problem: Problem }> => {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ plan: { steps: [{ id: 'a', tool: 'do_pure', parameters: { ms: 1 } }] } }),
  });
  return { status: response.status, problem: (await response.json()) as Problem };
};

it('Redis emptied in the middle of a thousand running sessions, and rebuilt from the log', async () => {
  run = await FaultRun.start({
    name: 'emptied',
    servers: { KAFKA_BROKERS: await sharedKafka(), REDIS_URL: redis.url },
    roles: ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
    perSecond: PER_SECOND,
    longestToolMs: LONGEST_TOOL_MS,
  });
  const { fleet } = run;
  const refused = await dormouse(fleet.env, 'rebuild');
  expect(refused).toMatchObject({ code: 1, complaints: expect.stringContaining('in use') });

  await run.progress();
  await run.remember();
  await run.burst(BURST, REST);
  await redis.flushAll();
  run.say(`emptied with ${run.accepted} sessions accepted`);

  // everybody says so, and what must be done; nothing is taken
  for (const { runtime } of fleet.all())
    await eventually(async () => {
      const { status, checks } = await readiness(runtime.url);
      const store = checks.find(({ name }) => name === 'session store');
      return status === 'not_ready' && store?.detail?.includes('dormouse rebuild') === true;
    });
  const url = fleet.of('api')[0]?.runtime.url ?? '';
  await eventually(async () => (await submit(url)).problem.code === 'store_emptied');
  expect(await submit(url)).toMatchObject({ status: 503 });
  expect((await fetch(`${url}/v1/sessions`)).status).toBe(503);

  // a start doesn't take the empty store for a new one
  const [restarted] = fleet.of('commander');
  await restarted?.runtime.end('SIGKILL');
  await restarted?.runtime.start('live');
  expect(await readiness(restarted?.runtime.url ?? '')).toMatchObject({ status: 'not_ready' });

  const ended = await eventually(
    async () => {
      const one = await dormouse(fleet.env, '--json', 'rebuild');
      return one.complaints.includes('consumers are still') ? null : one;
    },
    { timeoutMs: 60_000, what: 'the groups are empty' },
  );
  run.say(`${ended.out}${ended.complaints}`);
  expect(ended).toMatchObject({ code: 0, complaints: '' });
  const report = JSON.parse(ended.out) as RebuildReport;
  expect(report).toMatchObject({ expired: 0, headless: 0, damaged: 0 });
  expect(report.unfinished).toBeGreaterThanOrEqual(RUNNING);

  for (const { runtime } of fleet.all())
    await eventually(async () => (await readiness(runtime.url)).status === 'ready', { timeoutMs: 60_000 });
  const { faults, sessions } = await run.verdict();
  expect({ seed: run.seed, faults }).toEqual({ seed: run.seed, faults: [] });
  expect(sessions).toBeGreaterThan(RUNNING);
}, 400_000);
