import { setTimeout as pause } from 'node:timers/promises';
import type { ClaimStore } from '#idempotency';
import type { SessionStore } from '#state';
import type { EventStrategies, EventStrategy, EventStrategyStats, Transport } from '#transport';
import type { ReadyCheck } from './readiness.js';

/** A record is finished, handed over or tried again within minutes: nothing finished for so long is a standstill. */
const STANDSTILL_MS = 10 * 60_000;
/** An idle consumer takes a new record within milliseconds. */
const SECOND_LOOK_MS = 500;

const idle = ({ inFlight, queued, waiting }: EventStrategyStats): boolean =>
  inFlight + queued + waiting === 0;

const behind = async (transport: Transport, { topic, group }: EventStrategyStats): Promise<number> => {
  const lags = await transport.lag(topic, group);
  return lags.reduce((sum, { end, committed }) => sum + end - committed, 0);
};

/** Whether a consumer is alive, and gets on with what there is to do. */
const consumerCheck = async (strategy: EventStrategy, transport: Transport): Promise<void> => {
  const { stats } = strategy;
  if (stats.dead !== null) throw new Error(`its subscription is dead: ${stats.dead.message}`);
  if (!strategy.ready) throw new Error('it has not joined its group');
  if (!idle(stats)) {
    const sinceMs = Date.now() - stats.lastProgressAt;
    if (sinceMs > STANDSTILL_MS)
      throw new Error(`nothing was finished for ${Math.round(sinceMs / 1000)} s, and there is work`);
    return;
  }
  if ((await behind(transport, stats)) === 0) return;
  // records stand in the log and none is here: just published, unless it stays so
  await pause(SECOND_LOOK_MS);
  const later = strategy.stats;
  if (idle(later) && later.finished === stats.finished && (await behind(transport, later)) > 0)
    throw new Error('records stand in the log, and none of them is taken');
};

/** All that a process needs to do its work. */
export const readyChecks = (
  sessions: SessionStore,
  claims: ClaimStore,
  transport: Transport,
  strategies: EventStrategies,
): ReadyCheck[] => [
  { name: 'session store', check: () => sessions.ping() },
  { name: 'claim store', check: () => claims.ping() },
  { name: 'log', check: () => transport.ping() },
  ...strategies.all.map((strategy) => ({
    name: `consumer ${strategy.stats.group} of ${strategy.stats.topic}`,
    check: () => consumerCheck(strategy, transport),
  })),
];
