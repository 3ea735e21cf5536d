/**
 * What a check found.
 * - `well`: as it should be
 * - `risk`: it works, and something of what is promised may not hold
 * - `wrong`: it doesn't work, or needs somebody now
 * - `unknown`: it couldn't be looked at
 */
export type FindingState = 'well' | 'risk' | 'wrong' | 'unknown';

/** As it should be, and what was seen; or not looked at, and why. */
export interface Told {
  /** what was looked at, in a few words */
  check: string;
  state: 'well' | 'unknown';
  detail: string;
}
/** Not as it should be. */
export interface Fault {
  check: string;
  state: 'risk' | 'wrong';
  expected: string;
  came: string;
  /** what to do, a sentence */
  advice: string;
}
export type Finding = Told | Fault;

export const isFault = (finding: Finding): finding is Fault =>
  finding.state === 'risk' || finding.state === 'wrong';

export const well = (check: string, detail: string): Told => ({ check, state: 'well', detail });
export const unknown = (check: string, detail: string): Told => ({ check, state: 'unknown', detail });

type Facts = Omit<Fault, 'check' | 'state'>;
export const risk = (check: string, facts: Facts): Fault => ({ check, state: 'risk', ...facts });
export const wrong = (check: string, facts: Facts): Fault => ({ check, state: 'wrong', ...facts });

/** One line for a log. */
export const findingSentence = (finding: Finding): string =>
  isFault(finding)
    ? `${finding.check}: expected ${finding.expected}; came ${finding.came}. ${finding.advice}`
    : `${finding.check}: ${finding.detail}`;
