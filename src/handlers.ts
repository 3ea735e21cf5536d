import 'reflect-metadata';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeadLetters } from '#commander';
import { dispatcherConsumer, loadExternalTools, loadToolModules } from '#dispatcher';
import {
  type BuriedRecord,
  COMMANDER_TRANSPORT,
  DISPATCHER_TRANSPORT,
  EventStrategies,
  type PoisonOptions,
} from '#transport';
import { AppModule, dispatcherOptions, type Parts } from './app.module.js';
import type { Settings } from './config/index.js';
import { httpAdapter } from './http/fastify.js';
import { RouteTable } from './http/route-table.js';
import { eventContextOf } from './identity.js';
import type { Storage } from './storage.js';
import type { SuspectRole } from './suspects/wire.js';

/** How a role finds records that kill their process; undefined: it doesn't look. */
export type PoisonOf = (role: SuspectRole) => PoisonOptions | undefined;

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
export const connectStrategies = (
  app: NestFastifyApplication,
  settings: Settings,
  poisonOf: PoisonOf,
): void => {
  const { roles, shutdownMs } = settings.process;
  const { topics, groups } = settings.log;
  const strategies = app.get(EventStrategies);
  const deadLetters = app.get(DeadLetters);
  const common = (role: SuspectRole) => {
    const poison = poisonOf(role);
    return {
      deadLetterTopic: topics.deadLetter,
      drainMs: shutdownMs,
      onBuried: (buried: BuriedRecord) => deadLetters.keep(buried),
      ...(poison === undefined ? {} : { poison }),
      context: eventContextOf(settings, role),
    };
  };
  if (roles.includes('commander'))
    strategies.connect(app, {
      ...common('commander'),
      topic: topics.observation,
      group: groups.commander,
      transportId: COMMANDER_TRANSPORT,
      maxInFlight: THINKING_AT_ONCE,
    });
  if (roles.includes('dispatcher'))
    strategies.connect(app, {
      ...common('dispatcher'),
      ...dispatcherConsumer(dispatcherOptions(settings)),
      topic: topics.intent,
      group: groups.dispatcher,
      transportId: DISPATCHER_TRANSPORT,
    });
};

/** The application of the settings' roles, made and not begun. */
export const createApp = async (
  settings: Settings,
  given: Pick<Parts, 'storage' | 'tracing' | 'trial'>,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> => {
  const parts: Parts = { ...given, tools: await toolsOf(settings), routes: new RouteTable() };
  return NestFactory.create<NestFastifyApplication>(
    AppModule.forRoles(settings.process.roles, settings, parts),
    httpAdapter({ bodyLimitBytes: settings.http.bodyLimitBytes, routes: parts.routes }),
    // errors come to us; the parsers are the adapter's own
    { abortOnError: false, bodyParser: false, logger },
  );
};

/** The handlers of the settings' roles over this storage, without a door: for records that are tried alone. */
export const startHandlers = async (
  settings: Settings,
  storage: Storage,
): Promise<NestFastifyApplication> => {
  const app = await createApp(settings, { storage, tracing: undefined, trial: true }, false);
  connectStrategies(app, settings, () => undefined);
  await app.init();
  await app.startAllMicroservices();
  return app;
};
