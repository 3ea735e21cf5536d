import { endsTimeline, type TimelineEntry } from '#contracts';
import type { SessionStore } from '#state';

/** Entries read at once: bounds what a slow reader's stream holds, as results may be megabytes. */
const PAGE = 16;

/**
 * The timeline from `after` on, live, in order, each entry once; ends after the terminal entry or when `signal` is
 * aborted. Yields an empty page whenever `idleMs` pass without one. Reads no further than it is asked to: a slow
 * reader costs one page, and entries wait in the store.
 */
export async function* entryFeed(
  store: SessionStore,
  sessionId: string,
  { after, idleMs, signal }: { after: number; idleMs: number; signal: AbortSignal },
): AsyncGenerator<TimelineEntry[], void, undefined> {
  let seen = after;
  let growths = 0;
  let wake: (() => void) | undefined;
  const stir = (): void => {
    growths += 1;
    wake?.();
  };
  // watching begins before the first read: what is added between the two is told
  const stopWatching = store.watch(sessionId, stir);
  signal.addEventListener('abort', stir);
  try {
    while (!signal.aborted) {
      const known = growths;
      const page = await store.timeline(sessionId, { after: seen, limit: PAGE });
      const last = page.at(-1);
      if (last !== undefined) {
        yield page;
        if (endsTimeline(last)) return;
        seen = last.seq;
        continue;
      }
      // it may have grown while the read was under way
      if (growths !== known) continue;
      const idle = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(true), idleMs);
        wake = () => {
          clearTimeout(timer);
          resolve(false);
        };
      });
      wake = undefined;
      if (idle) yield [];
    }
  } finally {
    stopWatching();
    signal.removeEventListener('abort', stir);
  }
}
