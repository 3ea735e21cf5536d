import { expect } from '@jest/globals';
import type { Finding } from '#contracts';
import { type Diagnosis, diagnose } from '../../../src/doctor/doctor.js';

/** Nobody listens there. */
export const NOWHERE = 'http://127.0.0.1:9';

export const examine = (environment: Record<string, string>, url = NOWHERE): Promise<Diagnosis> =>
  diagnose({ environment, url: () => url });

export const faultsOf = ({ findings }: Diagnosis): Finding[] =>
  findings.filter(({ state }) => state === 'risk' || state === 'wrong');

/** The one finding of a check. */
export const findingOf = ({ findings }: Diagnosis, check: string): Finding => {
  const found = findings.filter((finding) => finding.check === check);
  expect(found).toHaveLength(1);
  return found[0]!;
};

/** Names what is expected, what came and what to do, each in words. */
export const tellsWhatToDo = (finding: Finding): void => {
  expect(finding).toMatchObject({
    expected: expect.stringMatching(/\w/),
    came: expect.stringMatching(/\w/),
    advice: expect.stringMatching(/\w.*[.?]$/),
  });
};
