import type { Snapshot } from '#contracts';
import { type Draft, isMessage } from './draft.js';

/** Where the history has a message. */
export const messageKey = (id: string): string => `message:${id}`;

/** A plan is written beforehand: what people write to its session is kept, and nobody reads it. */
export const reads = ({ fixed }: Snapshot): boolean => fixed.submission.plan === undefined;

/** Messages that were accepted and that the brain hasn't been given. */
export const unreadMessages = (snapshot: Snapshot): number =>
  (snapshot.inbox?.filter(isMessage).length ?? 0) + (snapshot.unread?.length ?? 0);

/**
 * Moves what people wrote from the inbox into the history, in the order in which it was accepted. The first answers the
 * brain's question, if it has asked one.
 */
export const takeUpMessages = (draft: Draft): void => {
  const { snapshot } = draft;
  for (const { id, data } of draft.takeMessages()) {
    const { question } = snapshot;
    snapshot.question = undefined;
    draft.addMessage(messageKey(id), data['content'] as string, question?.call);
    if (reads(snapshot)) snapshot.unread = [...(snapshot.unread ?? []), id];
  }
};

/** The session has ended: tells what was accepted and that nobody will read any more. */
export const tellUnread = (draft: Draft): void => {
  const { unread } = draft.snapshot;
  draft.snapshot.unread = undefined;
  if (unread !== undefined) draft.tell('observation', { type: 'unread', messages: unread });
};
