import type { EventClient } from '#transport';
import type { SchedulerOptions } from './scheduler.options.js';

/** A few processes have as many in hand; what is beyond them waits for its turn. */
const LARGE = 1_000;
/** The brokers are asked so often at most. */
const ASK_EVERY_MS = 5_000;

/** How much stands in the log before those who read it. */
export class LogBacklog {
  private large = false;
  private askedAt = -Infinity;

  constructor(
    private readonly client: Pick<EventClient, 'backlog'>,
    private readonly options: Pick<SchedulerOptions, 'topics' | 'groups'>,
  ) {}

  /**
   * Whether what was published half a minute ago may still wait there for its turn. Not, where the log doesn't say: too much
   * repeated changes nothing.
   * @param now ms, as the last time it was asked
   */
  async isLarge(now: number): Promise<boolean> {
    const { topics, groups } = this.options;
    if (groups === undefined) return false;
    if (now - this.askedAt >= ASK_EVERY_MS) {
      this.askedAt = now;
      const standing = await Promise.all([
        this.client.backlog(topics.intent, groups.dispatcher),
        this.client.backlog(topics.observation, groups.commander),
      ]).catch(() => [0]);
      this.large = standing.reduce((sum, records) => sum + records, 0) >= LARGE;
    }
    return this.large;
  }
}
