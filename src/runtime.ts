import 'reflect-metadata';
import { type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeadLetters } from '#commander';
import type { DormouseError } from '#contracts';
import { dispatcherConsumer, loadExternalTools, loadToolModules } from '#dispatcher';
import { storeEmptied, StoreWatch } from '#state';
import { type BuriedRecord, COMMANDER_TRANSPORT, DISPATCHER_TRANSPORT, EventStrategies } from '#transport';
import { AppModule, dispatcherOptions, type Parts } from './app.module.js';
import type { Settings } from './config/index.js';
import { httpAdapter } from './http/fastify.js';
import { RouteTable } from './http/route-table.js';
import { Shutdown } from './http/shutdown.js';
import { eventContextOf } from './identity.js';
import { checkLog } from './log-check.js';
import { openStorage, type Storage } from './storage.js';
import { recogniseStore } from './store-recognition.js';
import { openTracing } from './tracing/open-tracing.js';
import type { OpenTracing } from './tracing/tracing.js';

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

/**
 * Sessions that think at one time. A plan thinks in microseconds and a model in seconds: enough that slow models don't
 * keep plans waiting, few enough to bound what is held.
 */
const THINKING_AT_ONCE = 1_024;

const toolsOf = async ({
  tools: { modules, externalToolsFile: file },
}: Settings): Promise<Parts['tools']> => ({
  loaded: await loadToolModules(modules),
  ...(file === undefined ? {} : { external: { tools: await loadExternalTools(file), file } }),
});

/** Nest's applications read their events through strategies, one for each of the two roles that have handlers. */
const connectStrategies = (app: NestFastifyApplication, settings: Settings): void => {
  const { roles, shutdownMs } = settings.process;
  const { topics, groups } = settings.log;
  const strategies = app.get(EventStrategies);
  const deadLetters = app.get(DeadLetters);
  const common = {
    deadLetterTopic: topics.deadLetter,
    drainMs: shutdownMs,
    onBuried: (buried: BuriedRecord) => deadLetters.keep(buried),
  };
  if (roles.includes('commander'))
    strategies.connect(app, {
      ...common,
      topic: topics.observation,
      group: groups.commander,
      transportId: COMMANDER_TRANSPORT,
      context: eventContextOf(settings, 'commander'),
      maxInFlight: THINKING_AT_ONCE,
    });
  if (roles.includes('dispatcher'))
    strategies.connect(app, {
      ...common,
      ...dispatcherConsumer(dispatcherOptions(settings)),
      topic: topics.intent,
      group: groups.dispatcher,
      transportId: DISPATCHER_TRANSPORT,
      context: eventContextOf(settings, 'dispatcher'),
    });
};

const createApp = (
  settings: Settings,
  parts: Parts,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> =>
  NestFactory.create<NestFastifyApplication>(
    AppModule.forRoles(settings.process.roles, settings, parts),
    httpAdapter({ bodyLimitBytes: settings.http.bodyLimitBytes, routes: parts.routes }),
    // errors come to us; the parsers are the adapter's own
    { abortOnError: false, bodyParser: false, logger },
  );

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
  logger: LoggerService | false,
): Promise<string> => {
  connectStrategies(app, settings);
  await app.init();
  for (const sentence of await checkLog(storage.transport, settings))
    if (logger !== false) logger.warn(sentence);
  await recogniseStore(storage, settings);
  await watchStore(app, logger);
  await app.startAllMicroservices();
  await app.listen(settings.http.port, settings.http.host);
  return app.getUrl();
};

const closerOf = (
  app: NestFastifyApplication,
  storage: Storage,
  tracing: OpenTracing | undefined,
): Runtime['close'] => {
  let closing: Promise<void> | undefined;
  const close = async (serveOn: boolean): Promise<void> => {
    app.get(Shutdown).begin(serveOn);
    try {
      await app.close();
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
  let app: NestFastifyApplication | undefined;
  try {
    app = await createApp(
      settings,
      { storage, tools: await toolsOf(settings), routes: new RouteTable(), tracing },
      logger,
    );
    const url = await open(app, settings, storage, logger);
    return { url, failed: storage.failed, close: closerOf(app, storage, tracing) };
  } catch (error) {
    // the first error is the one that counts
    await app?.close().catch(() => undefined);
    await storage.close().catch(() => undefined);
    await tracing?.close();
    throw error;
  }
};
