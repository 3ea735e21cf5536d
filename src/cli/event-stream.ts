import { endsTimeline, type TimelineEntry } from '#contracts';
import { type ApiClient, ApiProblem, Unreachable } from './api-client.js';

/** Between two tries to connect again, and how long to go on trying while nothing comes. */
const PAUSE_MS = 500;
const PATIENCE_MS = 30_000;

/** The `data` of each event in a stream of server-sent events. */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A session's timeline, live, each entry once and in order; ends after the terminal entry. A cut connection is made
 * again from the last entry seen.
 *
 * Errors: {@link ApiProblem}, {@link Unreachable} (the server stayed away for too long)
 */
export async function* followTimeline(
  client: ApiClient,
  sessionId: string,
  { after = 0, signal }: { after?: number; signal?: AbortSignal } = {},
): AsyncGenerator<TimelineEntry> {
  let seen = after;
  let heardAt = Date.now();
  for (;;) {
    try {
      const response = await client.call(`/v1/sessions/${encodeURIComponent(sessionId)}/events`, {
        headers: { accept: 'text/event-stream', 'last-event-id': String(seen) },
        ...(signal === undefined ? {} : { signal }),
      });
      // 204: all was seen
      if (response.status === 204 || response.body === null) return;
      heardAt = Date.now();
      for await (const data of eventData(response.body)) {
        const entry = JSON.parse(data) as TimelineEntry;
        heardAt = Date.now();
        if (entry.seq <= seen) continue;
        seen = entry.seq;
        yield entry;
        if (endsTimeline(entry)) return;
      }
      // the server has stopped
    } catch (error) {
      if (signal?.aborted === true) return;
      const passing =
        error instanceof ApiProblem
          ? error.problem.status === 503
          : error instanceof Unreachable || error instanceof TypeError;
      if (!passing || Date.now() - heardAt > PATIENCE_MS) throw error;
    }
    await pause(PAUSE_MS);
  }
}
