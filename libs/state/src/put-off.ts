import type { Snapshot } from '#contracts';

/** The intents that this very write emits: nobody can have put them off yet. */
const emittedNow = ({ version, outbox: { commit, intent_ids } }: Snapshot): readonly string[] =>
  // what a person sends is a write of its own, which leaves the latest step's outbox as it is
  commit !== null && commit.version < version ? [] : intent_ids;

/**
 * An intent of an earlier write is still pending: its dispatcher may have put it off to a time that only the entry knows,
 * and that the snapshot's own next time would pass over. A commit then leaves an earlier entry as it is; the sweeper,
 * which asks the claims, moves it on.
 */
export const mayBePutOff = (snapshot: Snapshot): boolean => {
  const emitted = emittedNow(snapshot);
  return snapshot.pending.some(
    (intent) =>
      intent.external !== true && intent.not_before === undefined && !emitted.includes(intent.intent_id),
  );
};
