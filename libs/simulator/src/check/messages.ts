import { EVENT_NAMES, isTerminal, type Sent } from '#contracts';
import type { AcceptedMessage } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

type Report = (promise: Finding['promise'], what: string) => void;

/** The messages that a session ever had in its inbox, in the order in which they were accepted. */
const sentTo = ({ sent }: SessionHistory): Sent[] =>
  [...sent.values()]
    .filter(({ name }) => name === EVENT_NAMES.userMessage)
    .sort((a, b) => a.version - b.version);

/** What people wrote and was accepted is in the history once, in the order of acceptance, and read before a good end. */
export const checkMessages = (
  session: SessionHistory,
  accepted: readonly AcceptedMessage[],
  report: Report,
): void => {
  const { snapshot, history, timeline } = session;
  const { session_id: id, status } = snapshot;
  const contentOf = ({ data }: Sent): unknown => data['content'];
  const known = sentTo(session);
  const waiting = new Set(snapshot.inbox?.map((sent) => sent.id));
  const kept = history.flatMap((e) =>
    e.kind === 'message' && e.key !== 'input' ? [{ key: e.key, content: e.content, n: e.n }] : [],
  );
  for (const { content } of accepted.filter(({ sessionId }) => sessionId === id))
    if (!known.some((sent) => contentOf(sent) === content))
      report('messages', `${id}: ${content} was accepted, and never was in its inbox`);
  const due = known.filter((sent) => !waiting.has(sent.id)).map((sent) => `message:${sent.id}`);
  if (due.join() !== kept.map(({ key }) => key).join())
    report(
      'messages',
      `${id}: ${due.join(', ') || 'nothing'} was accepted, and the history has ${kept.map(({ key }) => key).join(', ') || 'nothing'}`,
    );
  for (const { key } of kept) {
    const told = timeline.filter((entry) => entry.type === 'message' && entry.history_key === key).length;
    if (told !== 1) report('messages', `${id}: the timeline has ${key} ${told} times`);
  }
  if (isTerminal(status) && waiting.size > 0) report('messages', `${id} is ${status} with an inbox`);
  if (snapshot.fixed.submission.plan === undefined) checkRead(session, kept, report);
};

/** A model reads a message by the turn that comes after it; one that nobody has read at the end is told. */
const checkRead = (
  { snapshot, history, timeline }: SessionHistory,
  kept: readonly { key: string; n: number }[],
  report: Report,
): void => {
  const { session_id: id, status } = snapshot;
  if (!isTerminal(status)) return;
  const lastTurn = history.reduce((n, e) => (e.kind === 'brain' ? Math.max(n, e.n) : n), 0);
  const unread = new Set(
    timeline.flatMap(({ payload }) =>
      payload['type'] === 'unread' ? (payload['messages'] as string[]).map((m) => `message:${m}`) : [],
    ),
  );
  if (status === 'completed' && unread.size > 0)
    report('messages', `${id} is completed, and has not read ${[...unread].join(', ')}`);
  for (const { key, n } of kept)
    if (n < lastTurn === unread.has(key))
      report(
        'messages',
        `${id}: ${key} was ${n < lastTurn ? 'read, and is told as not read' : 'not read, and nobody is told'}`,
      );
};
