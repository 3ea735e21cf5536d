import { type Finding, well, wrong } from '#contracts';

/** Beyond this part of a lease two clocks disagree too much about when it ends (rule 14 of the protocol). */
const SKEW_PART = 10;

/** @param skewMs how far the store's clock is ahead of this machine's; negative: behind */
export const clockFinding = (skewMs: number, leaseMs: number): Finding => {
  const check = 'clock';
  const ms = Math.round(Math.abs(skewMs));
  if (ms <= leaseMs / SKEW_PART) return well(check, `within ${ms} ms of the store's, as near as can be told`);
  return wrong(check, {
    expected: `the store's clock and this machine's to differ by no more than a tenth of a lease (DORMOUSE_LEASE_MS is ${leaseMs})`,
    came: `the store's clock is ${ms} ms ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`,
    advice: 'Set the clocks, best by NTP.',
  });
};
