import { Inject, Injectable } from '@nestjs/common';
import { findingSentence, isFault } from '#contracts';
import { ClaimStore } from '#idempotency';
import { SessionStore, storeEmptied } from '#state';
import { EventStrategies, type EventStrategy, Transport } from '#transport';
import { type ProcessSettings, type ProtocolSettings, settingsToken } from '../../config/index.js';
import { clockFinding } from '../../checks/clock-check.js';
import { clockSkewMs } from './clock-skew.js';
import { ConsumerProgress } from './consumer-progress.js';
import type { ReadyCheck } from './readiness.js';

/** All that this process needs to do its work. */
@Injectable()
export class ReadyChecks {
  private readonly progress = new Map<EventStrategy, ConsumerProgress>();

  constructor(
    private readonly sessions: SessionStore,
    private readonly claims: ClaimStore,
    private readonly transport: Transport,
    private readonly strategies: EventStrategies,
    @Inject(settingsToken('process')) private readonly process: ProcessSettings,
    @Inject(settingsToken('protocol')) private readonly protocol: ProtocolSettings,
  ) {}

  list(): ReadyCheck[] {
    return [
      { name: 'session store', check: () => this.wholeStore() },
      { name: 'claim store', check: () => this.claims.ping() },
      { name: 'log', check: () => this.transport.ping() },
      { name: 'clock', check: () => this.clock() },
      ...this.strategies.all.map((strategy) => ({
        name: `consumer ${strategy.stats.group} of ${strategy.stats.topic}`,
        check: () => this.progressOf(strategy).check(),
      })),
    ];
  }

  /** Reached, and with what it held. */
  private async wholeStore(): Promise<void> {
    if (await this.sessions.isEmptied()) throw storeEmptied();
  }

  private progressOf(strategy: EventStrategy): ConsumerProgress {
    let progress = this.progress.get(strategy);
    if (progress === undefined) {
      progress = new ConsumerProgress(strategy, this.transport, this.process.standstillMs);
      this.progress.set(strategy, progress);
    }
    return progress;
  }

  private async clock(): Promise<void> {
    const finding = clockFinding(await clockSkewMs(this.sessions), this.protocol.leaseMs);
    if (isFault(finding)) throw new Error(findingSentence(finding));
  }
}
