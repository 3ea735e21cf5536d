import { type Finding, risk, well } from '#contracts';

/** @param whose such as `of all tenants` */
export const parkedFinding = (parked: number, whose: string): Finding =>
  parked === 0
    ? well('parked sessions', `none ${whose}`)
    : risk('parked sessions', {
        expected: 'none',
        came: `${parked} ${whose}`,
        advice: 'A person has to settle them: `dormouse list --status parked`, then `dormouse resolve`.',
      });

/** @param isAll false: there are more */
export const letterFinding = (reasons: readonly string[], isAll: boolean, tenant: string): Finding => {
  const check = `dead letters of ${tenant}`;
  if (reasons.length === 0) return well(check, 'none that were not sent back');
  return risk(check, {
    expected: 'none',
    came: `${reasons.length}${isAll ? '' : ' or more'} (${[...new Set(reasons)].join(', ')})`,
    advice:
      '`dormouse dead-letters list` shows them; repair the cause, then `dormouse dead-letters redrive`.',
  });
};
