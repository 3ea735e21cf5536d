import type { LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DormouseError } from '#contracts';
import { bootId } from '#idempotency';
import { storeEmptied, StoreWatch } from '#state';
import { EventStrategies } from '#transport';
import type { Settings } from './config/index.js';
import { connectStrategies, createApp, type PoisonOf } from './handlers.js';
import { Shutdown } from './http/shutdown.js';
import { checkLog } from './checks/log-check.js';
import { Presence } from './presence.js';
import { openStorage, type Storage } from './storage.js';
import { recogniseStore } from './store-recognition.js';
import { SuspectTrials } from './suspects/suspect-trials.js';
import { openTracing } from './tracing/open-tracing.js';
import type { OpenTracing } from './tracing/tracing.js';
import { VERSION } from './version.js';

/** A started process: it listens, and its consumers run. */
export interface Runtime {
  /** e.g. `http://127.0.0.1:3000` */
  url: string;
  /** resolves, never rejects, when storage has failed for good: the process should end */
  failed: Promise<DormouseError>;
  /**
   * Drains: takes no more events, lets what runs end within the grace, hands back the rest. Again: the same end.
   * `serveOn`: requests that come meanwhile are served, for some seconds at most, so that a restart of one instance
   * after the other fails none; else they are refused at once.
   */
  close(options?: { serveOn: boolean }): Promise<void>;
}

/** While the store has lost its data nothing is consumed; after a rebuild the consumers go on by themselves. */
const watchStore = async (app: NestFastifyApplication, logger: LoggerService | false): Promise<void> => {
  const strategies = app.get(EventStrategies);
  let told = false;
  await app.get(StoreWatch).start(async (emptied) => {
    if (emptied !== told && logger !== false)
      if (emptied) logger.error(storeEmptied().message);
      else logger.log('the session store is whole again: the consumers go on');
    told = emptied;
    await (emptied ? strategies.suspend() : strategies.resume()).catch((error: unknown) => {
      if (logger !== false) logger.warn(`the consumers are told again in a moment: ${String(error)}`);
    });
  });
};

/** Modules first, then consumers, then the door: events and requests find everything made. */
const open = async (
  app: NestFastifyApplication,
  settings: Settings,
  storage: Storage,
  poisonOf: PoisonOf,
  logger: LoggerService | false,
): Promise<string> => {
  connectStrategies(app, settings, poisonOf);
  await app.init();
  for (const sentence of await checkLog(storage.transport, settings))
    if (logger !== false) logger.warn(sentence);
  await recogniseStore(storage, settings);
  await watchStore(app, logger);
  await app.startAllMicroservices();
  await app.listen(settings.http.port, settings.http.host);
  return app.getUrl();
};

/** What a process has beside its application. */
interface Surroundings {
  storage: Storage;
  presence: Presence;
  trials: SuspectTrials[];
  tracing: OpenTracing | undefined;
}

const closerOf = (
  app: NestFastifyApplication,
  { storage, presence, trials, tracing }: Surroundings,
): Runtime['close'] => {
  let closing: Promise<void> | undefined;
  const close = async (serveOn: boolean): Promise<void> => {
    app.get(Shutdown).begin(serveOn);
    try {
      await Promise.all([app.close(), ...trials.map((each) => each.close())]);
      await presence.end();
    } finally {
      await storage.close();
      await tracing?.close();
    }
  };
  return ({ serveOn } = { serveOn: false }) => (closing ??= close(serveOn));
};

/**
 * Starts a process as the settings say.
 *
 * Errors: whatever stops a start, as a {@link DormouseError} that says what to do, or the system's own (a taken port)
 */
export const startRuntime = async (
  settings: Settings,
  { logger }: { logger: LoggerService | false },
): Promise<Runtime> => {
  const storage = await openStorage(settings);
  const tracing = await openTracing(settings);
  const presence = new Presence(storage.deliveries, presenceMs(settings), {
    boot: bootId,
    name: settings.process.instance,
    roles: [...settings.process.roles],
    version: VERSION,
  });
  const trials: SuspectTrials[] = [];
  const poisonOf: PoisonOf = (role) => {
    const trial = new SuspectTrials(role, storage, settings.process.shutdownMs);
    trials.push(trial);
    return { deliveries: storage.deliveries, boot: bootId, trial };
  };
  let app: NestFastifyApplication | undefined;
  try {
    await presence.begin();
    app = await createApp(settings, { storage, tracing }, logger);
    const url = await open(app, settings, storage, poisonOf, logger);
    return { url, failed: storage.failed, close: closerOf(app, { storage, presence, trials, tracing }) };
  } catch (error) {
    // the first error is the one that counts
    await app?.close().catch(() => undefined);
    await presence.end();
    await storage.close().catch(() => undefined);
    await tracing?.close();
    throw error;
  }
};

/** On Kafka it is over before a dead member's partitions go to another. */
const presenceMs = ({ servers, protocol }: Settings): number =>
  servers === undefined ? protocol.leaseMs : servers.kafkaSessionMs / 2;
