import { type Outcome, RECORD_VERSION } from '#contracts';
import { checkVersion } from '#redis';
import type { ClaimView } from '../../port.js';

/** The fields that a view is made of, in the order in which {@link claimView} takes them. */
export const CLAIM_FIELDS = [
  'v',
  'digest',
  'token',
  'lease',
  'started',
  'attempts',
  'not_before',
  'cancel',
  'record',
  'outcome',
  'expires',
  'deaths',
] as const;

/** Null when there is no such claim. @throws DormouseError `newer_version` */
export const claimView = (values: readonly (string | null)[]): ClaimView | null => {
  const [v, digest, token, lease, started, attempts, notBefore, cancel, record, outcome, expires, deaths] =
    values;
  if (v === null || v === undefined) return null;
  checkVersion(Number(v), RECORD_VERSION, 'a claim');
  const view: ClaimView = {
    v: Number(v),
    digest: digest ?? '',
    token: token ?? '',
    leaseUntil: Number(lease ?? 0),
    started: started === '1',
    attempts: Number(attempts ?? 0),
    notBefore: Number(notBefore ?? 0),
    cancelRequested: cancel === '1',
  };
  if (typeof record === 'string') view.record = record;
  if (Number(deaths ?? 0) > 0) view.deaths = Number(deaths);
  if (typeof outcome === 'string') view.outcome = JSON.parse(outcome) as Outcome;
  if (typeof expires === 'string') view.expiresAt = Number(expires);
  return view;
};
