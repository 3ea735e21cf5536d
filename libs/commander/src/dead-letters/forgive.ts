import { type ClaimKey, type ClaimStore, nextToken } from '#idempotency';

const LEASE_MS = 1_000;

/**
 * A claim that remembers owners which died over it forgets them, and how often it was tried, with them: mended it is
 * worth another look. One that may have been done keeps saying so.
 *
 * Errors: `unavailable`
 */
export const forgiveDeaths = async (claims: ClaimStore, key: ClaimKey): Promise<void> => {
  const [view] = await claims.read([key]);
  if (view?.deaths === undefined) return;
  const token = nextToken();
  const reply = await claims.claim({ ...key, digest: view.digest, token, leaseMs: LEASE_MS });
  if (reply.kind !== 'taken_over') return;
  await (reply.started ? claims.handBack(key, token) : claims.drop(key, token));
};
