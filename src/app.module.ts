import { type DynamicModule, Module } from '@nestjs/common';
import { CommanderModule, type CommanderOptions, OpenAiBrain, PlanBrain, SessionsModule } from '#commander';
import { DispatcherModule, type DispatcherOptions, ToolsModule, type ToolsOptions } from '#dispatcher';
import { SchedulerModule, type SchedulerOptions } from '#scheduler';
import { SUSPECT_AFTER, TransportModule } from '#transport';
import { type Role, type Settings, SettingsModule } from './config/index.js';
import { HttpModule } from './http/http.module.js';
import type { RouteTable } from './http/route-table.js';
import { eventContextOf } from './identity.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ModelTroubles } from './model-troubles.js';
import { topicSpecs } from './topics.js';
import type { Storage } from './storage.js';
import type { OpenTracing } from './tracing/tracing.js';
import { StoresModule } from './stores.module.js';

/** What the modules are made from, beside the settings. */
export interface Parts {
  storage: Storage;
  tools: Pick<ToolsOptions, 'loaded' | 'external'>;
  routes: RouteTable;
  /** undefined: nobody follows what is done */
  tracing: OpenTracing | undefined;
  /** suspects are tried here: nothing is left to others for being one */
  trial?: boolean;
}

const brains = (
  { openai: { apiKey, baseUrl, model } }: Settings,
  troubles: ModelTroubles,
): CommanderOptions['brains'] => [
  new PlanBrain(),
  new OpenAiBrain({
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(model === undefined ? {} : { model }),
    onTrouble: troubles.tell,
  }),
];

const commanderOptions = (
  settings: Settings,
  open: OpenTracing | undefined,
  troubles: ModelTroubles,
): CommanderOptions => ({
  tracing: open?.tracing,
  events: eventContextOf(settings, 'commander'),
  topics: settings.log.topics,
  brains: brains(settings, troubles),
  retentionMs: settings.protocol.retentionMs,
  inlineLimitBytes: settings.protocol.inlineLimitBytes,
  resultLimitBytes: settings.tools.resultLimitBytes,
});

export const dispatcherOptions = (settings: Settings, open?: OpenTracing): DispatcherOptions => ({
  tracing: open?.tracing,
  events: eventContextOf(settings, 'dispatcher'),
  topics: settings.log.topics,
  concurrency: settings.tools.concurrency,
  leaseMs: settings.protocol.leaseMs,
  retentionMs: settings.protocol.retentionMs,
  shutdownMs: settings.process.shutdownMs,
  resultLimitBytes: settings.tools.resultLimitBytes,
  inlineLimitBytes: settings.protocol.inlineLimitBytes,
  holdMs: settings.protocol.holdMs,
});

const schedulerOptions = (settings: Settings): SchedulerOptions => ({
  events: eventContextOf(settings, 'scheduler'),
  topics: settings.log.topics,
  groups: settings.log.groups,
  leaseMs: settings.protocol.leaseMs,
  retentionMs: settings.protocol.retentionMs,
  inlineLimitBytes: settings.protocol.inlineLimitBytes,
  auditRestMs: settings.protocol.auditRestMs,
});

/** The modules of each role; what several need is imported once, above them. */
const MODULES: Record<
  Role,
  (settings: Settings, parts: Pick<Parts, 'tracing' | 'trial'>) => DynamicModule['imports'] & object
> = {
  api: () => [],
  commander: () => [CommanderModule],
  dispatcher: (settings, { tracing, trial }) => [
    DispatcherModule.forRoot({
      ...dispatcherOptions(settings, tracing),
      ...(trial === true ? {} : { suspectAfter: SUSPECT_AFTER }),
    }),
  ],
  scheduler: (settings) => [SchedulerModule.forRoot(schedulerOptions(settings))],
};

/** The root of the composition. Holds no domain rule: it only names the modules a process runs. */
@Module({})
export class AppModule {
  static forRoles(
    roles: readonly Role[],
    settings: Settings,
    { storage, tools, routes, tracing, trial = false }: Parts,
  ): DynamicModule {
    const troubles = new ModelTroubles();
    return {
      module: AppModule,
      imports: [
        SettingsModule.forRoot(settings),
        StoresModule.forRoot(storage),
        TransportModule.forRoot({
          transport: storage.transport,
          topics: topicSpecs(settings),
          context: eventContextOf(settings, 'dormouse'),
        }),
        ToolsModule.forRoot({
          ...tools,
          sqlUrl: settings.tools.sqlUrl,
          httpAllow: settings.tools.httpAllow,
          resultLimitBytes: settings.tools.resultLimitBytes,
        }),
        SessionsModule.forRoot(commanderOptions(settings, tracing, troubles)),
        ...roles.flatMap((role) => MODULES[role](settings, { tracing, trial })),
        MetricsModule.forRoot({ spans: tracing?.counts, journal: storage.journal, troubles }),
        HttpModule.forRoot({ api: roles.includes('api'), routes }),
      ],
    };
  }
}
