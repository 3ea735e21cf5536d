import type { NewSession } from '#commander';
import { isTerminal } from '#contracts';
import { type ClaimKey, type ClaimStore, nextToken } from '#idempotency';
import type { SessionStore } from '#state';
import type { Folded } from './fold.js';
import type { KnownIntent } from './known-intents.js';

export type FoldedSession = Extract<Folded, { kind: 'session' }>;

/** The lease of a claim that is made only to say what is known; it ends at once. */
const MARKING_MS = 10_000;

/**
 * Writes a session as it was folded, through the ports and step by step, as it was written the first time. Done again,
 * or after a part of it was done, it goes on where it stood; what is further than the log is left as it is.
 */
export const restore = async (
  sessions: SessionStore,
  claims: ClaimStore,
  { creation, steps, snapshot, known }: FoldedSession,
  retentionMs: number,
): Promise<void> => {
  const { session_id: sessionId } = snapshot;
  // first: no session may be there whose intents look as if nobody had begun them
  await Promise.all(known.map((intent) => restoreClaim(claims, sessionId, intent, retentionMs)));
  let version = await begin(sessions, creation);
  for (const step of steps) {
    if (step.snapshot.version <= version) continue;
    const committed = await sessions.commit({
      token: nextToken(),
      expectedVersion: version,
      snapshot: step.snapshot,
      history: step.history,
      timeline: step.timeline,
      wakeAt: step.wakeAt,
    });
    if (committed.kind !== 'committed')
      throw new Error(`${sessionId}: expected to write version ${step.snapshot.version}: ${committed.kind}`);
    version = step.snapshot.version;
  }
  // claims that kept an intent for later are gone: the sweeper looks at once
  if (!isTerminal(snapshot.status)) await sessions.lowerWake(sessionId, await sessions.now());
};

/** Returns the version at which the session stands. */
const begin = async (sessions: SessionStore, creation: NewSession): Promise<number> => {
  const reply = await sessions.create(creation);
  if (reply.kind === 'created') return creation.snapshot.version;
  const { version, fixed } = reply.snapshot;
  const { created_at, trace_id } = creation.snapshot.fixed;
  if (fixed.created_at === created_at && fixed.trace_id === trace_id) return version;
  // a submission with its Idempotency-Key came to the emptied store, and began another session under its id
  await sessions.drop(creation.snapshot.session_id);
  return begin(sessions, creation);
};

/**
 * With an outcome: as if its dispatcher had recorded it, so that it is told again and nothing is run. Without: as if its
 * dispatcher had started it and died, so that it is asked after or unknown (rule 4), and never run again.
 */
const restoreClaim = async (
  claims: ClaimStore,
  sessionId: string,
  intent: KnownIntent,
  retentionMs: number,
): Promise<void> => {
  const { intentId, digest, outcome } = intent;
  const key: ClaimKey = { sessionId, intentId };
  const [there] = await claims.read([key]);
  // made since the store was emptied, by somebody who may have begun
  if (there !== null && there !== undefined && (there.started || there.outcome !== undefined)) return;
  // one who has only claimed it finds its token stale, and starts nothing
  if (there !== null) await claims.forget([key]);
  const token = nextToken();
  const reply = await claims.claim({ ...key, digest, token, leaseMs: MARKING_MS });
  if (reply.kind === 'claimed') {
    if (outcome !== undefined) {
      if ((await claims.record(key, token, outcome, retentionMs)).kind === 'recorded') return;
    } else if ((await claims.start(key, token)) === 'started') {
      await claims.handBack(key, token);
      return;
    }
  }
  // somebody else's move came between
  await restoreClaim(claims, sessionId, intent, retentionMs);
};
