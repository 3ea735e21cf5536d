import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startKafkaServer } from './kafka.js';
import { startRedisServer } from './redis.js';
import { startRedisCluster } from './redis-cluster.js';

/** Set by the test run's set-up: a folder for what the run shares, and the process whose end ends it. */
const RUN_FOLDER = 'DORMOUSE_TEST_RUN_FOLDER';
const RUN_PID = 'DORMOUSE_TEST_RUN_PID';

/** The first start may have to fetch what it runs: give hooks that wait for a server so long. */
export const SERVER_START_MS = 300_000;

type Answer = { address: string } | { error: string };

const own = new Map<string, Promise<string>>();

const read = (file: string): Answer | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Answer;
  } catch {
    return undefined;
  }
};

/** Undefined in the moment between the lock and its file. */
const starterOf = (lock: string): number | undefined => {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
};

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** One of the run's processes starts the server; the others wait for what it says. */
const oncePerRun = async (folder: string, name: string, start: () => Promise<string>): Promise<string> => {
  const file = join(folder, `${name}.json`);
  const lock = join(folder, `${name}.lock`);
  try {
    mkdirSync(lock);
  } catch {
    return answerOf(file, lock);
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  const answer = await start().then(
    (address): Answer => ({ address }),
    (error: unknown): Answer => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  writeFileSync(`${file}.new`, JSON.stringify(answer));
  renameSync(`${file}.new`, file);
  if ('error' in answer) throw new Error(answer.error);
  return answer.address;
};

const answerOf = async (file: string, lock: string): Promise<string> => {
  const end = performance.now() + SERVER_START_MS;
  for (;;) {
    const answer = read(file);
    if (answer !== undefined) {
      if ('error' in answer) throw new Error(answer.error);
      return answer.address;
    }
    const starter = starterOf(lock);
    if (starter !== undefined && !alive(starter))
      throw new Error(`process ${starter} was to start ${file}, and left before it had`);
    if (performance.now() > end) throw new Error(`${file} did not appear in time`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const shared = (
  name: string,
  variable: string | undefined,
  start: (owner: number) => Promise<string>,
): Promise<string> => {
  const named = variable === undefined ? undefined : process.env[variable];
  if (named !== undefined && named !== '') return Promise.resolve(named);
  let address = own.get(name);
  if (address === undefined) {
    const folder = process.env[RUN_FOLDER];
    const owner = Number(process.env[RUN_PID] ?? process.pid);
    address = folder === undefined ? start(owner) : oncePerRun(folder, name, () => start(owner));
    own.set(name, address);
  }
  return address;
};

/**
 * The Redis of this test run (outside of one: of this process): the one that REDIS_URL names, or one that is started
 * the first time somebody asks, and ends with the run. Nobody flushes it: use names that no other test has.
 * @throws Error which says what to install
 */
export const sharedRedis = (): Promise<string> =>
  shared('redis', 'REDIS_URL', async (owner) => (await startRedisServer({ owner })).url);

/** A Redis Cluster of three masters, as {@link sharedRedis}; named by DORMOUSE_TEST_REDIS_CLUSTER. */
export const sharedRedisCluster = (): Promise<string> =>
  shared(
    'redis-cluster',
    'DORMOUSE_TEST_REDIS_CLUSTER',
    async (owner) => (await startRedisCluster(3, { owner })).url,
  );

/** The brokers of this test run, as {@link sharedRedis}; named by KAFKA_BROKERS. */
export const sharedKafka = (): Promise<string> =>
  shared('kafka', 'KAFKA_BROKERS', async (owner) => (await startKafkaServer({ owner })).brokers);
