import {
  approvalId,
  type ApprovalRequest,
  DormouseError,
  type PendingIntent,
  type Snapshot,
} from '#contracts';
import { cancelOutstanding } from '../core/next-wake.js';
import { refuseForeignIntent } from './intent-of-session.js';
import type { Outgoing } from './outgoing.js';
import { refuseAnswered } from './request-digest.js';

/** The approval that a request asks for; `refuse` raises what speaks against it in the session as it is. */
export const approvalOf = (
  before: Snapshot,
  intentId: string,
  request: ApprovalRequest,
  requestDigest: string | undefined,
): Outgoing => {
  refuseForeignIntent(before, intentId);
  const { decision, by, reason, digest } = request;
  const held = before.held?.find(({ intent_id }) => intent_id === intentId);
  return {
    sent: {
      id: approvalId(intentId),
      name: 'observation.approval',
      data: {
        intent_id: intentId,
        decision,
        by,
        ...(reason === undefined ? {} : { reason }),
        digest: held?.digest ?? '',
        ...(requestDigest === undefined ? {} : { request_digest: requestDigest }),
      },
    },
    historyKey: `approval:${intentId}`,
    refuse: () => {
      if (held === undefined || cancelOutstanding(before)) throw notAwaited(before, intentId);
      if (digest !== undefined && digest !== held.digest) throw anotherCall(held, digest);
    },
    refuseAnother: (earlier) => refuseAnswered(requestDigest, earlier),
  };
};

const notAwaited = (before: Snapshot, intentId: string): DormouseError => {
  const waits = before.held?.map(({ intent_id }) => intent_id) ?? [];
  const what = cancelOutstanding(before)
    ? 'it is being cancelled'
    : waits.length === 0
      ? 'nothing in it waits for one'
      : `it waits for that of ${waits.join(', ')}`;
  return new DormouseError(
    'not_awaited',
    `The session doesn't wait for an approval of ${intentId}; ${what}.`,
  );
};

const anotherCall = ({ intent_id, tool, digest }: PendingIntent, came: string): DormouseError =>
  new DormouseError(
    'digest_mismatch',
    `Expected ${digest}, the digest of ${tool} and its parameters as ${intent_id} is held; came ${came.slice(0, 80)}. Look at the call again (\`pending\` in the session).`,
    { details: { digest } },
  );
