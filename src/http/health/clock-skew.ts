import type { SessionStore } from '#state';

/**
 * How far the store's clock is ahead of this process's, in ms; negative: behind. What the answer's way may have taken is
 * not counted: it is as near to zero as it can be.
 */
export const clockSkewMs = async (store: Pick<SessionStore, 'now'>): Promise<number> => {
  const sent = Date.now();
  const there = await store.now();
  const came = Date.now();
  if (there > came) return there - came;
  return there < sent ? there - sent : 0;
};
