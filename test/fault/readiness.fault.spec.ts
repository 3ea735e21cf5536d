import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Liveness, Problem, Readiness, SessionView } from '#contracts';
import { eventually, RuntimeProcess } from '#testing';
import {
  type KafkaServer,
  type RedisServer,
  SERVER_START_MS,
  startKafkaServer,
  startRedisServer,
} from '#testing/servers';

const PATIENCE = { timeoutMs: 120_000 };

let redis: RedisServer;
let kafka: KafkaServer;
let runtime: RuntimeProcess;

beforeAll(async () => {
  [redis, kafka] = await Promise.all([startRedisServer(), startKafkaServer()]);
  runtime = await RuntimeProcess.create({
    KAFKA_BROKERS: kafka.brokers,
    REDIS_URL: redis.url,
    DORMOUSE_PARTITIONS: '4',
    NODE_OPTIONS: '--import ./test/fault/shifting-clock.mjs',
  });
  await runtime.start();
}, SERVER_START_MS);
afterAll(async () => {
  await runtime.remove();
  await Promise.all([redis.stop(), kafka.stop()]);
});

const readiness = async (): Promise<{ status: number; body: Readiness }> => {
  const response = await fetch(`${runtime.url}/health/ready`);
  return { status: response.status, body: (await response.json()) as Readiness };
};

/** Waits until the process isn't ready for this reason; resolves with what it says about it. */
const becomesUnready = (check: string): Promise<string> =>
  eventually(
    async () => {
      const { status, body } = await readiness();
      const found = body.checks.find(({ name }) => name === check);
      return status === 503 && found?.ok === false ? (found.detail ?? '') : null;
    },
    { ...PATIENCE, what: `${check} is told to be wrong` },
  );
/** Submits a session with this key. */
const submit = async (
  key: string,
): Promise<{ status: number; body: Pick<Problem, 'code' | 'session_id'> }> => {
  const response = await fetch(`${runtime.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ plan: { steps: [{ id: 'a', tool: 'wait', parameters: { ms: 1 } }] } }),
  });
  return { status: response.status, body: (await response.json()) as Pick<Problem, 'code' | 'session_id'> };
};
const accepted = async (key: string): Promise<string> => {
  const { status, body } = await submit(key);
  expect(status).toBe(202);
  return body.session_id ?? '';
};
const completes = (id: string): Promise<boolean> =>
  eventually(
    async () => {
      const session = (await (await fetch(`${runtime.url}/v1/sessions/${id}`)).json()) as SessionView;
      return session.status === 'completed';
    },
    { ...PATIENCE, what: `${id} completes` },
  );
const becomesReady = (): Promise<boolean> =>
  eventually(async () => (await readiness()).status === 200, { ...PATIENCE, what: 'it is ready again' });

it('a process without its store is not ready, says so, and is again when the store is back', async () => {
  await redis.kill9();
  expect(await becomesUnready('session store')).not.toBe('');
  expect(await becomesUnready('claim store')).not.toBe('');
  expect((await fetch(`${runtime.url}/health/live`)).status).toBe(200);
  expect(await submit('while Redis is away')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect((await fetch(`${runtime.url}/v1/sessions/sess-any`)).status).toBe(503);
  await redis.restart();
  await becomesReady();
  await completes(await accepted('while Redis is away'));
}, 300_000);

it('a process without its log is not ready, says so, and is again when the brokers are back', async () => {
  await kafka.kill9();
  expect(await becomesUnready('log')).not.toBe('');
  expect((await fetch(`${runtime.url}/metrics`)).status).toBe(200);
  // its snapshot is written: that is told, and the repeat finds it
  const { status, body } = await submit('while Kafka is away');
  expect({ status, body }).toMatchObject({
    status: 503,
    body: { code: 'unavailable', session_id: expect.stringMatching(/^sess-/) },
  });
  await kafka.restart();
  await becomesReady();
  expect(await accepted('while Kafka is away')).toBe(body.session_id);
  await completes(body.session_id ?? '');
}, 300_000);

it("a process whose clock isn't the store's is not ready, says so, and is again when its clock is set", async () => {
  const { pid } = (await (await fetch(`${runtime.url}/health/live`)).json()) as Liveness;
  process.kill(pid, 'SIGUSR2');
  expect(await becomesUnready('clock')).toMatch(
    /no more than a tenth of a lease.*\d+ ms ahead of this machine's/,
  );
  process.kill(pid, 'SIGUSR2');
  await becomesReady();
}, 300_000);
