import { RuntimeProcess, tempDir } from '#testing';
import { Engine } from '#engine';
import { createKafkaTransport, EmbeddedTransport, type LogRecord, type Transport } from '#transport';
import { freshNames, sharedServers } from '../on-servers.js';
import { eventsOf, normalised } from './normalised.js';
import { readTopic } from './read-topic.js';
import { INLINE_LIMIT, play, toldBy } from './scenario.js';

/** What became of one session, without what differs from run to run. */
export interface Account {
  scene: string;
  told: unknown;
  intents: unknown[];
  observations: unknown[];
}

type Env = Record<string, string>;
interface Topics {
  intent: string;
  observation: string;
}

const common: Env = {
  DORMOUSE_TOOLS: './examples/own-tool/word-count.mjs,./examples/travel/index.mjs',
  DORMOUSE_INLINE_LIMIT: INLINE_LIMIT,
};

/** Starts one process per set of settings, plays the scenario through the first, and ends them in order. */
const playOn = async (
  envs: readonly Env[],
  records: () => Promise<Record<keyof Topics, LogRecord[]>>,
): Promise<Account[]> => {
  const processes = await Promise.all(envs.map((env) => RuntimeProcess.create({ ...common, ...env })));
  try {
    await Promise.all(processes.map((one) => one.start()));
    const url = processes[0]?.url ?? '';
    const scenes = [...(await play(url))];
    const told = await Promise.all(scenes.map(([id]) => toldBy(url, id)));
    const codes = await Promise.all(processes.map((one) => one.end('SIGTERM')));
    if (codes.some((code) => code !== 0)) throw new Error(`expected exit codes 0, got ${codes.join(' ')}`);
    const { intent, observation } = await records();
    const accounts = scenes.map(([id, scene], index): Account => ({
      scene,
      told: normalised(told[index], id, scene),
      intents: eventsOf(intent, id, scene),
      observations: eventsOf(observation, id, scene),
    }));
    return accounts.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  } finally {
    await Promise.all(processes.map((one) => one.remove()));
  }
};

const readFrom = async (transport: Transport, { intent, observation }: Topics) => {
  try {
    const partitions = Number(freshNames().DORMOUSE_PARTITIONS);
    await transport.start([intent, observation].map((topic) => ({ topic, partitions })));
    return {
      intent: await readTopic(transport, intent),
      observation: await readTopic(transport, observation),
    };
  } finally {
    await transport.close();
  }
};

/** All roles in one process, on the embedded engine. */
export const playEmbedded = async (llm: Env): Promise<Account[]> => {
  const dir = tempDir();
  const { DORMOUSE_TOPIC_INTENT: intent, DORMOUSE_TOPIC_OBSERVATION: observation, ...names } = freshNames();
  const env = {
    ...llm,
    DORMOUSE_DATA_DIR: dir.path,
    DORMOUSE_TOPIC_INTENT: intent,
    DORMOUSE_TOPIC_OBSERVATION: observation,
    DORMOUSE_PARTITIONS: names.DORMOUSE_PARTITIONS,
  };
  try {
    return await playOn([env], async () => {
      const engine = await Engine.open({ dir: dir.path });
      try {
        return await readFrom(new EmbeddedTransport(engine), { intent, observation });
      } finally {
        await engine.close();
      }
    });
  } finally {
    dir.remove();
  }
};

/** On Kafka and Redis, a process per set of roles; the first serves the API. */
export const playOnServers = async (llm: Env, roles: readonly string[]): Promise<Account[]> => {
  const servers = await sharedServers();
  const names = freshNames();
  const envs = roles.map((role, index) => ({
    ...llm,
    ...servers,
    ...names,
    DORMOUSE_ROLES: role,
    DORMOUSE_INSTANCE: `part-${index}`,
  }));
  return playOn(envs, async () =>
    readFrom(await createKafkaTransport({ brokers: servers.KAFKA_BROKERS.split(',') }), {
      intent: names.DORMOUSE_TOPIC_INTENT,
      observation: names.DORMOUSE_TOPIC_OBSERVATION,
    }),
  );
};
