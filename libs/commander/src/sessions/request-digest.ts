import { DormouseError, type Json, type JsonObject } from '#contracts';
import { bodyDigest } from '#idempotency';

/** Of the body and its key; none without a key: then a repeat is another answer. */
export const requestDigest = (body: object, idempotencyKey: string | undefined): string | undefined =>
  idempotencyKey === undefined ? undefined : bodyDigest({ key: idempotencyKey, body: body as Json });

/** Errors: `already_answered`, unless the earlier answer came from the same request */
export const refuseAnswered = (
  digest: string | undefined,
  earlier: Readonly<Record<string, unknown>>,
): void => {
  if (digest !== undefined && earlier['request_digest'] === digest) return;
  const { by, reason, outcome, decision } = earlier;
  const told = Object.entries({ by, reason, outcome, decision }).filter(
    ([, value]) => typeof value === 'string',
  );
  throw new DormouseError(
    'already_answered',
    `${typeof by === 'string' ? by : 'Somebody'} has answered this already; the first answer counts.`,
    { details: Object.fromEntries(told) as JsonObject },
  );
};
