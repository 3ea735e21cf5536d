import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TimelineEntry } from '#contracts';
import type { SessionStore, TimelinePageQuery } from '#state';
import { entryFeed } from './entry-feed.js';

const entry = (seq: number, status = 'waiting_tool'): TimelineEntry => ({
  seq,
  time: '2026-01-27T10:00:00.000Z',
  type: 'status',
  payload: { status },
});

/** The two calls of a store that a feed makes, with the growth of the timeline in the test's hands. */
class ScriptedTimeline {
  entries: TimelineEntry[] = [];
  reads = 0;
  watchers = new Set<() => void>();
  /** called when a read has looked and before its answer arrives: the moment where growth is missed most easily */
  afterLook: () => void = () => undefined;

  grow(...entries: TimelineEntry[]): void {
    this.entries.push(...entries);
    for (const changed of this.watchers) changed();
  }

  get store(): SessionStore {
    const calls: Pick<SessionStore, 'timeline' | 'watch'> = {
      timeline: async (_id: string, { after = 0, limit = Infinity }: TimelinePageQuery = {}) => {
        this.reads += 1;
        const page = this.entries.filter((e) => e.seq > after).slice(0, limit);
        this.afterLook();
        await Promise.resolve();
        return page;
      },
      watch: (_id: string, changed: () => void) => {
        this.watchers.add(changed);
        return () => void this.watchers.delete(changed);
      },
    };
    return calls as SessionStore;
  }
}

const NEVER_MS = 60_000;

describe('a feed of entries', () => {
  it('hands out each entry once and in order, however the timeline grows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 8 }),
        fc.nat({ max: 5 }),
        async (growths, wanted) => {
          // a client that has seen the end is answered before it comes to a feed
          const after = Math.min(
            wanted,
            growths.reduce((sum, n) => sum + n, 0),
          );
          const timeline = new ScriptedTimeline();
          const steps = [...growths];
          let seq = 0;
          const growMore = (): void => {
            const count = steps.shift();
            if (count === undefined) {
              if (timeline.entries.at(-1)?.payload !== ended.payload) timeline.grow({ ...ended, seq: ++seq });
            } else timeline.grow(...Array.from({ length: count }, () => entry(++seq)));
          };
          const ended = entry(0, 'completed');
          timeline.afterLook = growMore;
          const seen: number[] = [];
          for await (const page of entryFeed(timeline.store, 's', {
            after,
            idleMs: NEVER_MS,
            signal: new AbortController().signal,
          }))
            seen.push(...page.map((e) => e.seq));
          expect(seen).toEqual(timeline.entries.map((e) => e.seq).filter((s) => s > after));
          expect(timeline.watchers.size).toBe(0);
        },
      ),
    );
  });

  it('reads no more than it is asked for', async () => {
    const timeline = new ScriptedTimeline();
    timeline.grow(...Array.from({ length: 1000 }, (_, i) => entry(i + 1)));
    const feed = entryFeed(timeline.store, 's', {
      after: 0,
      idleMs: NEVER_MS,
      signal: new AbortController().signal,
    });
    const { value } = await feed.next();
    expect(value?.length).toBeLessThan(100);
    expect(timeline.reads).toBe(1);
    await feed.return();
    expect(timeline.watchers.size).toBe(0);
  });

  it('gives a sign of life while nothing happens', async () => {
    const feed = entryFeed(new ScriptedTimeline().store, 's', {
      after: 0,
      idleMs: 1,
      signal: new AbortController().signal,
    });
    expect((await feed.next()).value).toEqual([]);
    await feed.return();
  });

  it('ends when it is told to, in the middle of waiting', async () => {
    const timeline = new ScriptedTimeline();
    const controller = new AbortController();
    const feed = entryFeed(timeline.store, 's', { after: 0, idleMs: NEVER_MS, signal: controller.signal });
    const next = feed.next();
    controller.abort();
    expect((await next).done).toBe(true);
    expect(timeline.watchers.size).toBe(0);
  });
});
