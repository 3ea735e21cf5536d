import type { SessionView, TimelineEntry } from '#contracts';
import type { ApiClient } from '../api-client.js';
import { followTimeline } from '../event-stream.js';
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js';
import { LiveView } from '../view/live-view.js';
import { tellEnd } from '../view/result.js';
import type { Terminal } from '../view/terminal.js';

/** Parked isn't terminal, but nothing happens until a person acts; an entry of long ago may be past that. */
const standsStill = async (
  client: ApiClient,
  id: string,
  { type, seq, payload }: TimelineEntry,
): Promise<boolean> => {
  if (type !== 'status' || (payload as { status?: string }).status !== 'parked') return false;
  const { entries } = await client.timeline(id);
  return entries.at(-1)?.seq === seq;
};

/**
 * Follows a session until it ends or is parked, and prints how. With `json`: a line an entry, and the session as the
 * last line. An interrupt leaves the session as it is.
 */
export const follow = async (
  client: ApiClient,
  session: SessionView,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<ExitCode> => {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const view = json ? undefined : new LiveView(terminal);
  try {
    for await (const entry of followTimeline(client, session.session_id, { signal: interrupted.signal })) {
      if (view === undefined) terminal.print(JSON.stringify(entry));
      else view.show(entry);
      if (await standsStill(client, session.session_id, entry)) break;
    }
  } finally {
    view?.end();
    process.off('SIGINT', interrupt);
  }
  if (interrupted.signal.aborted) {
    terminal.complain(`Interrupted. The session goes on: dormouse get ${session.session_id} --follow`);
    return EXIT.interrupted;
  }
  const ended = await client.get(session.session_id);
  terminal.print(json ? JSON.stringify(ended) : `\n${tellEnd(ended, terminal)}`);
  return exitCodeOf(ended.status);
};
