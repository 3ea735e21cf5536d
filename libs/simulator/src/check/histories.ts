import {
  type CloudEvent,
  EVENT_NAMES,
  type HistoryEntry,
  type Json,
  type OutcomeStatus,
  type PendingIntent,
  type Sent,
  type Snapshot,
  type StoredTimelineEntry,
  type ToolResultData,
} from '#contracts';
import type { Commit } from '#state';
import { historyOf, type SessionRow, type SessionRows, snapshotOf } from '../servers/session-rows.js';
import type { LogRows } from '../servers/log-rows.js';
import { TOPICS } from '../world/naming.js';

/** A step that was written. */
export interface Written {
  at: number;
  version: number;
  /** of this step, in its order */
  answered: string[];
  /** calls that it made intents of, since a person approved them */
  approved: string[];
}

/** What an observation says of its intent's outcome. */
export interface Told {
  status: OutcomeStatus;
  result: Json;
}

/** All that is known of one session when a schedule has ended. */
export interface SessionHistory {
  row: SessionRow;
  snapshot: Snapshot;
  history: HistoryEntry[];
  timeline: StoredTimelineEntry[];
  /** every intent that was ever pending, by its id, as it was first written */
  intents: Map<string, PendingIntent>;
  /** every call that was ever held, by its id */
  held: Map<string, PendingIntent>;
  written: Written[];
  /** all that was ever in its inbox, by id */
  sent: Map<string, Sent>;
  /** outcomes that were published, by intent */
  published: Map<string, Told[]>;
}

/** By session and id, as each was first seen. */
const keepFirst = <T>(
  kept: Map<string, Map<string, T>>,
  sessionId: string,
  seen: readonly T[],
  idOf: (each: T) => string,
): void => {
  const ofSession = kept.get(sessionId) ?? new Map<string, T>();
  kept.set(sessionId, ofSession);
  for (const each of seen) if (!ofSession.has(idOf(each))) ofSession.set(idOf(each), each);
};

/** Keeps what the rows forget: every intent, and when which step was written. */
export class Chronicle {
  private readonly intents = new Map<string, Map<string, PendingIntent>>();
  private readonly sent = new Map<string, Map<string, Sent>>();
  private readonly held = new Map<string, Map<string, PendingIntent>>();
  private readonly written = new Map<string, Written[]>();

  constructor(
    private readonly sessions: SessionRows,
    private readonly now: () => number,
  ) {
    sessions.commits.push((commit) => {
      this.note(commit);
    });
  }

  private note({ snapshot, history }: Commit): void {
    const { session_id, version, pending, held = [], inbox = [] } = snapshot;
    keepFirst(this.intents, session_id, pending, ({ intent_id }) => intent_id);
    keepFirst(this.held, session_id, held, ({ intent_id }) => intent_id);
    keepFirst(this.sent, session_id, inbox, ({ id }) => id);
    const written = this.written.get(session_id) ?? [];
    this.written.set(session_id, written);
    const answered = history.flatMap((entry) => (entry.kind === 'observation' ? [entry.intent_id] : []));
    const approved = history.flatMap((entry) =>
      entry.kind === 'approval' && entry.decision === 'approve' && entry.refused === undefined
        ? [entry.intent_id]
        : [],
    );
    written.push({ at: this.now(), version, answered, approved });
  }

  /** @param log what was published */
  histories(log: LogRows): SessionHistory[] {
    const published = publishedOutcomes(log);
    return [...this.sessions.rows].map(([sessionId, row]) => ({
      row,
      snapshot: snapshotOf(row),
      history: historyOf(row),
      timeline: row.timeline.map(({ text }) => JSON.parse(text) as StoredTimelineEntry),
      intents: this.intents.get(sessionId) ?? new Map<string, PendingIntent>(),
      sent: this.sent.get(sessionId) ?? new Map<string, Sent>(),
      held: this.held.get(sessionId) ?? new Map<string, PendingIntent>(),
      written: this.written.get(sessionId) ?? [],
      published: published.get(sessionId) ?? new Map<string, Told[]>(),
    }));
  }
}

const publishedOutcomes = (log: LogRows): Map<string, Map<string, Told[]>> => {
  const bySession = new Map<string, Map<string, Told[]>>();
  for (const records of log.topic(TOPICS.observation).partitions)
    for (const { value } of records) {
      const text = value?.toString() ?? '';
      if (!text.includes(EVENT_NAMES.toolResult)) continue;
      const { data } = JSON.parse(text) as CloudEvent<ToolResultData>;
      // too large for the log: it lies in the store, as one copy
      if (data?.intent_id === undefined) continue;
      const ofSession = bySession.get(data.session_id) ?? new Map<string, Told[]>();
      bySession.set(data.session_id, ofSession);
      const { status, result = null } = data;
      ofSession.set(data.intent_id, [...(ofSession.get(data.intent_id) ?? []), { status, result }]);
    }
  return bySession;
};

/** How often each intent is in the log. */
export const copiesOfIntents = (log: LogRows): Map<string, number> => {
  const copies = new Map<string, number>();
  for (const records of log.topic(TOPICS.intent).partitions)
    for (const { value } of records) {
      const text = value?.toString() ?? '';
      const id = text.includes(EVENT_NAMES.toolCall) ? /"id":"([^"]*)"/.exec(text)?.[1] : undefined;
      if (id !== undefined) copies.set(id, (copies.get(id) ?? 0) + 1);
    }
  return copies;
};
