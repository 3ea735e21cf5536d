import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CommanderService, Sessions, ThinkingSessions } from '#commander';
import { Executor } from '#dispatcher';
import type { JournalCounts } from '#engine';
import { Auditor, Sweeper } from '#scheduler';
import { SessionStore } from '#state';
import { LABELS, METRICS } from '#telemetry';
import { EventStrategies, Transport } from '#transport';
import { type LogSettings, type ProcessSettings, type Role, settingsToken } from '../config/index.js';
import { clockSkewMs } from '../http/health/clock-skew.js';
import type { SpanCounts } from '../tracing/tracing.js';
import { VERSION } from '../version.js';
import { within } from '../within.js';
import { auditMetrics } from './audit-metrics.js';
import { consumerMetrics } from './consumer-metrics.js';
import type { Definition } from './definition.js';
import { GroupLags } from './group-lags.js';
import { journalMetrics } from './journal-metrics.js';
import type { Exposition } from './registry.js';
import { sessionMetrics } from './session-metrics.js';
import { sweeperMetrics } from './sweeper-metrics.js';
import { toolMetrics } from './tool-metrics.js';
import { tracingMetrics } from './tracing-metrics.js';

const STORE_PATIENCE_MS = 2_000;

/** What others have counted who are no providers. */
export interface CountedElsewhere {
  /** undefined: there is no tracing */
  spans: Readonly<SpanCounts> | undefined;
  /** undefined: there is no embedded engine */
  journal: Readonly<JournalCounts> | undefined;
  /** of a model's server */
  troubles: Readonly<{ failed: number }>;
}
/** Injection token of {@link CountedElsewhere}. */
export const COUNTED_ELSEWHERE = Symbol('CountedElsewhere');

/**
 * All that this process can tell in numbers. Everybody counts for himself, in plain numbers; they are put together when
 * somebody scrapes, and until the first time nothing of this is loaded.
 */
@Injectable()
export class Metrics {
  private exposition: Promise<Exposition> | undefined;

  constructor(
    private readonly modules: ModuleRef,
    private readonly strategies: EventStrategies,
    private readonly transport: Transport,
    private readonly store: SessionStore,
    @Inject(settingsToken('process')) private readonly process: ProcessSettings,
    @Inject(settingsToken('log')) private readonly log: LogSettings,
    @Inject(COUNTED_ELSEWHERE) private readonly elsewhere: CountedElsewhere,
  ) {}

  /** In the text format of Prometheus. */
  async read(): Promise<{ contentType: string; text: string }> {
    this.exposition ??= import('./registry.js').then(({ Exposition: Made }) => new Made(this.definitions()));
    const exposition = await this.exposition;
    return { contentType: exposition.contentType, text: await exposition.text() };
  }

  private definitions(): Definition[] {
    const { topics, groups } = this.log;
    const { spans, journal, troubles } = this.elsewhere;
    const lags = new GroupLags(this.transport, [
      { topic: topics.observation, group: groups.commander },
      { topic: topics.intent, group: groups.dispatcher },
    ]);
    const executor = this.ofRole('dispatcher', Executor);
    const sweeper = this.ofRole('scheduler', Sweeper);
    const auditor = this.ofRole('scheduler', Auditor);
    return [
      this.info(),
      ...consumerMetrics(this.strategies, lags),
      ...sessionMetrics({
        sessions: this.modules.get(Sessions, { strict: false }),
        thinking: this.modules.get(ThinkingSessions, { strict: false }),
        commander: this.ofRole('commander', CommanderService),
        troubles,
      }),
      ...(executor === undefined ? [] : toolMetrics(executor)),
      ...(sweeper === undefined ? [] : sweeperMetrics(sweeper)),
      ...(auditor === undefined ? [] : auditMetrics(auditor)),
      this.clockSkew(),
      ...(journal === undefined ? [] : journalMetrics(journal)),
      ...(spans === undefined ? [] : tracingMetrics(spans)),
    ];
  }

  private ofRole<T>(role: Role, part: new (...args: never[]) => T): T | undefined {
    return this.process.roles.includes(role) ? this.modules.get<T>(part, { strict: false }) : undefined;
  }

  private info(): Definition {
    const { instance, roles } = this.process;
    return {
      kind: 'gauge',
      name: METRICS.info,
      help: 'What runs here; always 1',
      labels: [LABELS.version, LABELS.instance, LABELS.role],
      read: () => roles.map((role) => ({ labels: { version: VERSION, instance, role }, value: 1 })),
    };
  }

  private clockSkew(): Definition {
    return {
      kind: 'gauge',
      name: METRICS.store.clockSkew,
      help: "How far the store's clock is ahead of this process's",
      labels: [],
      read: async () => {
        const skew = await within(STORE_PATIENCE_MS, clockSkewMs(this.store)).catch(() => undefined);
        return skew === undefined ? [] : [{ labels: {}, value: skew / 1_000 }];
      },
    };
  }
}
