import type { SessionView, TimelineEntry } from '#contracts';
import type { ApiClient } from '../api-client.js';
import { followTimeline } from '../event-stream.js';
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js';
import { LiveView } from '../view/live-view.js';
import { tellQuestion } from '../view/question.js';
import { tellEnd } from '../view/result.js';
import type { Terminal } from '../view/terminal.js';

/**
 * Whether nothing happens after this entry until a person acts: it is parked, or asks a question (the second in a row
 * comes without a change of status). An entry of long ago may be past that.
 */
const standsStill = async (
  client: ApiClient,
  id: string,
  { type, seq, payload }: TimelineEntry,
): Promise<boolean> => {
  const { status, role } = payload as { status?: string; role?: string };
  const still = type === 'status' && (status === 'parked' || status === 'waiting_input');
  const asks = type === 'message' && role === 'assistant';
  if (!still && !asks) return false;
  const { entries } = await client.timeline(id);
  if (entries.at(-1)?.seq !== seq) return false;
  return still || (await client.get(id)).status === 'waiting_input';
};

/**
 * Follows a session until it ends, is parked or asks a question, and prints how. With `json`: a line an entry, and the session as the
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
  if (!json && ended.question !== undefined) terminal.print(`\n${tellQuestion(ended)}`);
  return exitCodeOf(ended.status);
};
