import { endsTimeline, type TimelineEntry } from '#contracts';
import { eventData } from '../../../src/cli/event-stream.js';
import { type BalancedClient, errorOf } from './api-client.js';

/** Somebody who watches a session live, as a browser does: whenever the stream ends it goes on from the last id. */
export class Follower {
  /** all that came, in the order in which it came */
  readonly entries: TimelineEntry[] = [];
  /** how often a stream was begun */
  streams = 0;
  readonly ended: Promise<void>;

  constructor(
    private readonly client: BalancedClient,
    private readonly sessionId: string,
  ) {
    this.ended = this.follow();
    // whoever waits for the end is told
    this.ended.catch(() => undefined);
  }

  private async follow(): Promise<void> {
    for (;;) {
      const last = this.entries.at(-1);
      if (last !== undefined && endsTimeline(last)) return;
      const response = await this.client.send(`/v1/sessions/${this.sessionId}/events`, {
        headers: last === undefined ? {} : { 'last-event-id': String(last.seq) },
      });
      if (response.status !== 200 || response.body === null)
        throw new Error(`${this.sessionId}: expected its events, got ${response.status}`);
      this.streams++;
      try {
        for await (const data of eventData(response.body))
          this.entries.push(JSON.parse(data) as TimelineEntry);
      } catch (error) {
        // a stream that is cut is resumed, as one that ended
        if (errorOf(error).name !== 'TypeError') throw error;
      }
    }
  }
}
