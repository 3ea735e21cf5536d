import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  eventually,
  LocalProcess,
  pythonWith,
  RuntimeProcess,
  settles,
  tempDir,
  type TempDir,
} from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { createKafkaTransport, type KafkaTransport } from '#transport';
import { freshNames, sharedServers } from '../on-servers.js';

const EXAMPLE = resolve('examples/article-python-commander');
const COPIES = 12;

let env: NodeJS.ProcessEnv & ReturnType<typeof freshNames>;
let python: string;
let folder: TempDir;
let journal: string;
let log: KafkaTransport;
let listener: LocalProcess;
const runtimes: RuntimeProcess[] = [];
/** how to close what was opened, in its order */
const closes: (() => void | Promise<void>)[] = [];

let programs = 0;
const inPython = (name: string, ...args: string[]): Promise<LocalProcess> =>
  LocalProcess.start({
    name: `${name}-${++programs}`,
    command: python,
    args: ['-u', join(EXAMPLE, `${name}.py`), ...args],
    folder: folder.path,
    env,
  });

/** Runs a program of the example to its end; resolves with all that it printed. */
const ran = async (name: string, ...args: string[]): Promise<string> => {
  const program = await inPython(name, ...args);
  await program.ended;
  return program.output();
};

const startDispatchers = async (): Promise<void> => {
  await Promise.all(
    [1, 2].map(async (index) => {
      const runtime = await RuntimeProcess.create({ ...env, DORMOUSE_INSTANCE: `d-${index}` });
      runtimes.push(runtime);
      await runtime.start();
    }),
  );
};

const endDispatchers = async (): Promise<void> => {
  for (const runtime of runtimes.splice(0)) {
    expect(await runtime.end('SIGTERM')).toBe(0);
    await runtime.remove();
  }
};

beforeAll(async () => {
  python = pythonWith(join(EXAMPLE, 'requirements.txt'));
  folder = tempDir('dormouse-article');
  closes.push(() => folder.remove());
  journal = join(folder.path, 'journal');
  const names = freshNames();
  env = {
    ...(await sharedServers()),
    ...names,
    GROUP_ID: `${names.DORMOUSE_GROUP_COMMANDER}.listener`,
    DORMOUSE_TOOLS: './test/fault/effect-tools.mjs',
    DORMOUSE_SQL_URL: `sqlite:${join(folder.path, 'users.db')}`,
    FAULT_JOURNAL: journal,
  };
  expect(await ran('users', join(folder.path, 'users.db'))).toBe('');
  log = await createKafkaTransport({ brokers: env.KAFKA_BROKERS?.split(',') ?? [] });
  closes.push(() => log.close());
  await startDispatchers();
  await log.start([{ topic: env.DORMOUSE_TOPIC_INTENT, partitions: 4 }]);
  listener = await inPython('listener');
  closes.push(() => listener.end('SIGKILL'));
}, SERVER_START_MS);

afterAll(async () => {
  await Promise.all(runtimes.map((runtime) => runtime.remove()));
  for (const close of closes.reverse()) await close();
});

interface Heard {
  session_id: string;
  result: unknown;
}

const heardOf = (session: string): Heard[] =>
  listener
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Heard)
    .filter(({ session_id }) => session_id === session);

/** Every intent that was sent is done with. */
const allFinished = (): Promise<void> =>
  settles(async () => {
    const lags = await log.lag(env.DORMOUSE_TOPIC_INTENT, env.DORMOUSE_GROUP_DISPATCHER);
    expect(lags.map(({ end, committed }) => end - committed)).toEqual(lags.map(() => 0));
  });

const begun = (): string[] =>
  readFileSync(journal, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { intent: string; at: string })
    .filter(({ at }) => at === 'begin')
    .map(({ intent }) => intent);

describe("a program's intent, without key and extensions", () => {
  it('is run, and answered with what its listener reads', async () => {
    expect(await ran('commander')).toMatch(/^evt-[0-9a-f]{32} is in partition \d of /);
    const [heard] = await eventually(() => (heardOf('sess-abc').length > 0 ? heardOf('sess-abc') : null));
    const [, shown] = /```json\n(.+)\n```/.exec(readFileSync(join(EXAMPLE, 'README.md'), 'utf8')) ?? [];
    expect(heard).toEqual(JSON.parse(shown ?? ''));
  });

  it('is run once, however often it is sent, also after the dispatchers were started again', async () => {
    const id = 'evt-123456789';
    const intent = ['--id', id, '--session', 'their session/1', '--tool', 'do_irreversible'];
    const send = async (): Promise<Set<string>> => {
      const said = await ran(
        'commander',
        ...intent,
        '--parameters',
        '{"ms": 300}',
        '--times',
        String(COPIES),
      );
      const partitions = [...said.matchAll(/^evt-123456789 is in partition (\d)/gm)].map(([, n]) => n ?? '');
      expect({ said, copies: partitions.length }).toMatchObject({ copies: COPIES });
      return new Set(partitions);
    };
    expect((await send()).size).toBeGreaterThan(1);
    await eventually(() => heardOf('their session/1').length > 0);
    await allFinished();
    const answered = heardOf('their session/1').length;

    await endDispatchers();
    await send();
    await startDispatchers();
    await allFinished();
    await eventually(() => heardOf('their session/1').length > answered);

    expect(begun().filter((intent) => intent === id)).toHaveLength(1);
    for (const { result } of heardOf('their session/1')) expect(result).toEqual({ done: id });
  });
});
