import type { Snapshot } from '#contracts';

/**
 * An intent of an earlier step is still pending: its dispatcher may have put it off to a time that only the entry knows,
 * and that the snapshot's own next time would pass over. A commit then leaves an earlier entry as it is; the sweeper,
 * which asks the claims, moves it on.
 */
export const mayBePutOff = ({ pending, outbox }: Snapshot): boolean =>
  pending.some(
    (intent) =>
      intent.external !== true &&
      intent.not_before === undefined &&
      !outbox.intent_ids.includes(intent.intent_id),
  );
