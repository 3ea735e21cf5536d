import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../runtime-process.js';
import { archiveFlags } from './kafka-archive.js';
import { KAFKA_VERSION, kafkaJava } from './kafka-jars.js';
import { groupCanJoin } from './kafka-ready.js';
import { LocalProcess } from './local-process.js';
import { runToEnd } from './on-path.js';
import { type Server, type ServerRecipe, startServer } from './server.js';

const IMAGE = `apache/kafka:${KAFKA_VERSION}`;
const READY_WITHIN_MS = 90_000;
const CLUSTER_ID = 'ZG9ybW91c2UtdGVzdHMtMQ';
/** A small heap, and the compiler that starts fast: a broker of a test lives for seconds. */
const JVM = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const LOG = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

export interface KafkaOptions {
  /** further settings of the broker, e.g. `{ 'message.max.bytes': '2000000' }` */
  settings?: Record<string, string>;
  /** flags of Java, in the place of those for a test; a bench wants more */
  jvm?: readonly string[];
  /** when this process is gone, the broker goes too; default: this process */
  owner?: number;
  /** A listener beside the plain one, on this machine alone: its settings name files of this machine. */
  secured?: SecuredListener;
}

/** One more door to the broker, e.g. for TLS. */
export interface SecuredListener {
  port: number;
  /** of the listener and the broker, e.g. `listener.name.secured.sasl.enabled.mechanisms` */
  settings: Record<string, string>;
  /** further arguments for the formatting of the storage, e.g. users */
  format: readonly string[];
}

/** One broker, which is its own controller. */
export interface KafkaServer {
  /** `127.0.0.1:<port>` */
  readonly brokers: string;
  readonly pid: number | undefined;
  kill9(): Promise<void>;
  /** Starts it again on its data; resolves when a group can join. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

const doorOf = (secured: SecuredListener | undefined): string =>
  secured === undefined ? '' : `,SECURED://127.0.0.1:${secured.port}`;

const settingsOf = (
  port: number,
  controllerPort: number,
  secured: SecuredListener | undefined,
): Record<string, string> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
  'controller.listener.names': 'CONTROLLER',
  listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${doorOf(secured)}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${doorOf(secured)}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL',
  'auto.create.topics.enable': 'false',
  'num.partitions': '4',
  // one broker can hold one copy; few partitions make the first start short
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '8',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  // a broker that was killed may come back as soon as its controller holds it for gone (9 s by default)
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '300',
  // consumers that die are noticed soon, those that come needn't wait for company
  'group.min.session.timeout.ms': '1000',
  'group.initial.rebalance.delay.ms': '0',
  // the default takes a third of the heap
  'log.cleaner.dedupe.buffer.size': '4194304',
});

/** `num.partitions` → `KAFKA_NUM_PARTITIONS`, as the image reads them. */
const asEnvironment = (settings: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `KAFKA_${name.replaceAll('.', '_').toUpperCase()}`,
      value,
    ]),
  );

/** Starts a Kafka at a free port with no topics in it. @throws Error which says what to install */
export const startKafkaServer = async (options: KafkaOptions = {}): Promise<KafkaServer> => {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'dormouse-kafka-'));
  const { secured } = options;
  const settings = {
    ...settingsOf(port, controllerPort, secured),
    ...secured?.settings,
    ...options.settings,
  };
  const file = join(folder, 'server.properties');
  const recipe: ServerRecipe = {
    name: 'kafka',
    folder,
    owner: options.owner ?? process.pid,
    ...(secured === undefined
      ? { container: { image: IMAGE, args: [], env: { ...asEnvironment(settings), CLUSTER_ID } } }
      : {}),
    local: async () => {
      const { java, classPath, archive } = kafkaJava();
      const lines = Object.entries({ ...settings, 'log.dirs': join(folder, 'data') });
      writeFileSync(file, lines.map(([name, value]) => `${name}=${value}\n`).join(''));
      const format = [
        'kafka.tools.StorageTool',
        'format',
        '-t',
        CLUSTER_ID,
        '-c',
        file,
        ...(secured?.format ?? []),
      ];
      runToEnd(java, [...JVM, ...LOG, ...classPath, ...format]);
      const broker = [...LOG, ...classPath, 'kafka.Kafka', file];
      const jvm = options.jvm ?? JVM;
      const faster = await archiveFlags(archive, (flags) =>
        LocalProcess.start({ ...recipe, command: java, args: [...JVM, ...flags, ...broker] }).then(
          async (process) => {
            await process.until(recipe.ready, READY_WITHIN_MS);
            await process.end('SIGTERM');
          },
        ),
      );
      return { command: java, args: [...jvm, ...faster, ...broker] };
    },
    ready: () => groupCanJoin(port),
    readyWithinMs: READY_WITHIN_MS,
  };
  let server: Server;
  try {
    server = await startServer(recipe);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    brokers: `127.0.0.1:${port}`,
    get pid() {
      return server.pid;
    },
    kill9: () => server.kill9(),
    restart: () => server.restart(),
    stop: async () => {
      await server.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
