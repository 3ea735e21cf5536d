import type { Ack, Snapshot } from '#contracts';
import { nextToken } from '#idempotency';
import type { SessionStore } from '#state';
import { nextWake } from '../core/next-wake.js';

/**
 * Writes into a session's snapshot what a request asks for, before it is published: whoever looks at the session sees
 * it, and the sweeper publishes it again. Null: another commit came first.
 */
export const setDown = async (
  store: SessionStore,
  before: Snapshot,
  ack: Ack,
  change: (at: number) => Partial<Snapshot>,
): Promise<Snapshot | null> => {
  const at = Math.max(await store.now(), before.updated_at);
  const snapshot: Snapshot = { ...before, ...change(at), version: before.version + 1, updated_at: at };
  const reply = await store.commit({
    token: nextToken(),
    expectedVersion: before.version,
    snapshot,
    history: [],
    timeline: [],
    wakeAt: nextWake(snapshot, at),
    ack,
  });
  return reply.kind === 'committed' ? snapshot : null;
};
