import type { ErrorData } from '#contracts';
import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';

/** When its tool's `queueTtlMs` is over, by the store's clock, ms; undefined: it has none, or was begun before. */
export const queueEnd = ({ tool, intent, begun }: IntentRun): number | undefined => {
  const ttlMs = tool?.spec.queueTtlMs;
  // an undoing is never too late
  if (ttlMs === undefined || begun || intent.compensates !== undefined) return undefined;
  return intent.emittedAt === undefined ? undefined : intent.emittedAt + ttlMs;
};

/**
 * Why an intent isn't begun any more: it has waited for too long, in the log, for a place, or for a slot. What may have
 * been begun before is none of this: a crash or a failed attempt makes nothing too late. Asks for the time only where there
 * is a `queueTtlMs`.
 */
export const overdue = async (parts: Parts, run: IntentRun): Promise<ErrorData | undefined> => {
  const end = queueEnd(run);
  if (end === undefined) return undefined;
  const now = await parts.claims.now();
  if (now < end) return undefined;
  const queueTtlMs = run.tool?.spec.queueTtlMs ?? 0;
  const waitedMs = now - end + queueTtlMs;
  return {
    code: 'queue_ttl_exceeded',
    message: `it had waited for ${waitedMs} ms and is to be begun within ${queueTtlMs} ms; it was not run. More dispatchers, or a higher concurrency of the tool, let it begin earlier`,
    retryable: true,
    details: { waited_ms: waitedMs, queue_ttl_ms: queueTtlMs },
  };
};
