import { createHash } from 'node:crypto';
import {
  crockford26,
  DormouseError,
  EVENT_NAMES,
  messageId,
  type MessageRequest,
  MOST_UNREAD_MESSAGES,
  type Snapshot,
} from '#contracts';
import { messageKey, unreadMessages } from '../core/take-up.js';
import type { Outgoing } from './outgoing.js';

/** Of what is in the inbox of one snapshot; a single message may be larger. */
const MOST_UNREAD_BYTES = 1024 * 1024;

/** The message that a request sends. @param idempotencyKey a message with one is the same however often it is sent */
export const messageOf = (
  before: Snapshot,
  { content }: MessageRequest,
  idempotencyKey: string | undefined,
): Outgoing => {
  const suffix =
    idempotencyKey === undefined
      ? String(before.version + 1)
      : crockford26(createHash('sha256').update(idempotencyKey).digest());
  const id = messageId(before.session_id, suffix);
  return {
    sent: { id, name: EVENT_NAMES.userMessage, data: { content } },
    ...(idempotencyKey === undefined ? {} : { historyKey: messageKey(id) }),
    refuse: () => refuse(before),
    refuseAnother: (earlier) => {
      if (earlier['content'] === content) return;
      throw new DormouseError(
        'idempotency_conflict',
        'This Idempotency-Key was used for another message to the session. Use a new key for another message.',
      );
    },
  };
};

const unreadBytes = ({ inbox = [] }: Snapshot): number =>
  inbox.reduce((sum, { data }) => sum + Buffer.byteLength(JSON.stringify(data)), 0);

const refuse = (before: Snapshot): void => {
  if (before.fixed.submission.messages === 'reject')
    throw new DormouseError(
      'messages_rejected',
      'The session was submitted with `messages: "reject"` and takes none. Submit another session; one with `messages: "enqueue"` takes messages.',
    );
  if (unreadMessages(before) >= MOST_UNREAD_MESSAGES || unreadBytes(before) >= MOST_UNREAD_BYTES)
    throw new DormouseError(
      'too_many_messages',
      `Expected at most ${MOST_UNREAD_MESSAGES} messages, or ${MOST_UNREAD_BYTES} bytes of them, that the session has not read; it has ${unreadMessages(before)}. Send it when the session has read some.`,
      { retryable: true },
    );
};
