import { DormouseError, type Finding, wrong } from '#contracts';
import { within } from '../within.js';

/** A server that says nothing for so long is taken for one that is away; a look at many sessions takes ten seconds. */
export const PATIENCE_MS = 30_000;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What makes an exit code of its own: a server wasn't reached. */
export interface Unreached {
  unreachable?: true;
}

/** What a look gives, or that what it looks at can't be reached. */
export const looked = async (
  check: string,
  advice: string,
  look: () => Promise<(Finding & Unreached)[]>,
): Promise<(Finding & Unreached)[]> => {
  try {
    return await within(PATIENCE_MS, look());
  } catch (error) {
    const isRefused = DormouseError.is(error) && error.code === 'invalid_settings';
    const fault = wrong(check, { expected: 'an answer', came: reasonOf(error), advice });
    return [isRefused ? fault : { ...fault, unreachable: true }];
  }
};
