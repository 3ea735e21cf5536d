import {
  DormouseError,
  type HistoryEntry,
  isTerminal,
  RECORD_VERSION,
  type SessionFixed,
  type Snapshot,
  type StoredStatus,
  type StoredTimelineEntry,
} from '#contracts';
import { type Engine, keyPart, type Table, timePart } from '#engine';

/** The store's tables. A key begins with the session's part; indexes begin with what they are ordered by. */
export interface SessionTables {
  /** by session: what the creation wrote, `{v, fixed}` */
  fixed: Table<string>;
  /** by session: {@link Head} */
  heads: Table<string>;
  /** by session and version: what one commit added, {@link Step} */
  steps: Table<string>;
  /** by session and history key: the version whose step has the entry */
  historyKeys: Table<string>;
  /** by session: when it is to be woken */
  wakes: Table<string>;
  /** wake-ups in order of time; the value is the session id */
  wakeTimes: Table<string>;
  /** by tenant and time of creation; the value is the session id */
  creations: Table<string>;
  /** sessions that ended, in order of time; the value is the session id */
  endings: Table<string>;
  /** by session and SHA-256 */
  blobs: Table<Buffer>;
}

export const sessionTables = (engine: Engine): SessionTables => ({
  fixed: engine.text('sf'),
  heads: engine.text('sh'),
  steps: engine.text('ss'),
  historyKeys: engine.text('sk'),
  wakes: engine.text('sw'),
  wakeTimes: engine.text('st'),
  creations: engine.text('sc'),
  endings: engine.text('se'),
  blobs: engine.bytes('sb'),
});

export const stepKey = (session: string, version: number): string =>
  `${session}|${version.toString(36).padStart(6, '0')}`;
export const blobKey = (session: string, hash: string): string => `${session}|${hash}`;
export const historyRowKey = (session: string, key: string): string => `${session}|${keyPart(key)}`;
export const wakeTimeKey = (at: number, session: string): string => `${timePart(at)}|${session}`;
export const creationKey = (tenant: string, createdAt: number, session: string): string =>
  `${keyPart(tenant)}|${timePart(createdAt)}|${session}`;
export const endingKey = (updatedAt: number, session: string): string => `${timePart(updatedAt)}|${session}`;

/** The part of a head that most moves need, readable without reading the rest. */
export interface HeadLine {
  v: number;
  version: number;
  status: StoredStatus;
  updatedAt: number;
  /** its own next wake-up, ms; null: never, or an earlier release wrote it, which doesn't say */
  ownAt: number | null;
}
type Head = Omit<Snapshot, 'fixed'>;

const checkVersion = (v: number, what: string): void => {
  if (v > RECORD_VERSION)
    throw new DormouseError(
      'newer_version',
      `expected ${what} of version ${RECORD_VERSION} or earlier, got ${v}: run the release that wrote it`,
    );
};

/**
 * Three lines: `v version status updated_at wake_at` (the last one empty: never), what is asked most about pending intents (`<1 if a cancel was requested>`
 * and ` <id>=<digest>` each), and the snapshot without `fixed` as JSON.
 */
export const encodeHead = (snapshot: Snapshot, wakeAt: number | null): string => {
  const { v, version, status, updated_at, pending, cancel_requested } = snapshot;
  const asked = pending
    .map(({ intent_id, digest }) => ` ${encodeURIComponent(intent_id)}=${encodeURIComponent(digest)}`)
    .join('');
  return (
    `${v} ${version} ${status} ${updated_at} ${wakeAt ?? ''}\n${cancel_requested ? 1 : 0}${asked}\n` +
    JSON.stringify({ ...snapshot, fixed: undefined })
  );
};

/** The digest of a pending intent, and whether a cancel was requested; null: it isn't pending. */
export const decodePending = (
  text: string,
  intentId: string,
): { digest: string; cancelRequested: boolean } | null => {
  const start = text.indexOf('\n') + 1;
  const line = text.slice(start, text.indexOf('\n', start));
  const name = ` ${encodeURIComponent(intentId)}=`;
  const at = line.indexOf(name);
  if (at < 0) return null;
  const end = line.indexOf(' ', at + 1);
  return {
    digest: decodeURIComponent(line.slice(at + name.length, end < 0 ? undefined : end)),
    cancelRequested: line.startsWith('1'),
  };
};

/** @throws DormouseError `newer_version` */
export const decodeHeadLine = (text: string): HeadLine => {
  const [v, version, status, updatedAt, ownAt = ''] = text.slice(0, text.indexOf('\n')).split(' ');
  checkVersion(Number(v), 'a snapshot');
  return {
    v: Number(v),
    version: Number(version),
    status: status as StoredStatus,
    updatedAt: Number(updatedAt),
    ownAt: ownAt === '' ? null : Number(ownAt),
  };
};

/** @throws DormouseError `newer_version` */
const decodeHead = (text: string): Head => {
  const start = text.indexOf('\n', text.indexOf('\n') + 1) + 1;
  const head = JSON.parse(text.slice(start)) as Head;
  checkVersion(head.v, 'a snapshot');
  return head;
};

/** The session's id, where its part of a key doesn't tell it. */
export const idInHead = (text: string): string => decodeHead(text).session_id;

export const encodeFixed = (fixed: SessionFixed): string => JSON.stringify({ v: RECORD_VERSION, fixed });

/** @throws DormouseError `newer_version` */
export const decodeSnapshot = (head: string, fixed: string): Snapshot => {
  const row = JSON.parse(fixed) as { v: number; fixed: SessionFixed };
  checkVersion(row.v, 'a session');
  return Object.assign(decodeHead(head), { fixed: row.fixed });
};

export const hasEnded = (line: HeadLine): boolean => isTerminal(line.status);

/** What a commit (or the creation) added. */
export interface Step {
  v: number;
  timeline: StoredTimelineEntry[];
  history: HistoryEntry[];
}

/** `<the timeline's latest seq after it> <the commit's token>` newline JSON. */
export const encodeStep = (
  timelineSeq: number,
  token: string,
  timeline: StoredTimelineEntry[],
  history: HistoryEntry[],
): string =>
  `${timelineSeq} ${encodeURIComponent(token)}\n${JSON.stringify({ v: RECORD_VERSION, timeline, history } satisfies Step)}`;

export const stepSeq = (text: string): number => Number(text.slice(0, text.indexOf(' ')));
/** Empty for the creation. */
export const stepToken = (text: string): string =>
  decodeURIComponent(text.slice(text.indexOf(' ') + 1, text.indexOf('\n')));

/** @throws DormouseError `newer_version` */
export const decodeStep = (text: string): Step => {
  const step = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Step;
  checkVersion(step.v, 'a step');
  for (const entry of step.timeline) checkVersion(entry.v, 'a timeline entry');
  return step;
};
