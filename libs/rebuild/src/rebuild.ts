import { type CloudEvent, DormouseError, type ErrorData, isTerminal } from '#contracts';
import { sessionIdOf } from '#commander';
import type { ClaimStore } from '#idempotency';
import { type DeadLetterStore, Payloads, type SessionStore } from '#state';
import { decodeEvent, DeadLetterError, type LogRecord, readTopic, type Transport } from '#transport';
import { restoreLetter } from './dead-letters.js';
import { type Folded, foldSession } from './fold.js';
import { restore } from './restore.js';
import { isLost, type LogRules, SessionLog } from './session-log.js';
import { Spool } from './spool.js';

export interface RebuildParts {
  sessions: SessionStore;
  claims: ClaimStore;
  deadLetters: DeadLetterStore;
  /** started */
  transport: Transport;
}

export interface RebuildOptions {
  rules: LogRules;
  topics: { intent: string; observation: string; deadLetter: string };
  groups: { commander: string; dispatcher: string };
  /** a group that nobody else has, to read with */
  readerGroup: string;
  /** sessions that ended longer ago are left out, ms */
  retentionMs: number;
  /** of its own, for the log sorted by session: about as large as the log */
  folder: string;
  tell?: (progress: RebuildProgress) => void;
}

export type RebuildProgress =
  | { phase: 'reading'; topic: string; records: number; of: number }
  | { phase: 'writing'; sessions: number; part: number; of: number };

export interface RebuildReport {
  /** records read, of both topics */
  records: number;
  /** in the store now */
  sessions: number;
  /** of them those that go on */
  unfinished: number;
  /** intents that may have been done: they won't be run (again) */
  unanswered: number;
  /** kept again, from the topic of dead letters */
  deadLetters: number;
  /** not in the store: they ended longer ago than sessions are kept */
  expired: number;
  /** not in the store: the log has lost their beginning */
  headless: number;
  /** not what they were, with the reason; they stand parked, have failed, or show less */
  damaged: number;
  /** the first hundred of them */
  damages: { session_id: string; error: ErrorData }[];
}

/** A bucket in memory has about so many records. */
const RECORDS_A_BUCKET = 20_000;
const MOST_BUCKETS = 512;
/** Sessions, or dead letters, that are written side by side. */
const AT_ONCE = 64;
const MOST_DAMAGES = 100;

/**
 * Rule 10: makes all sessions out of topics A and B, in a store that was emptied, and marks the store as whole. It reads
 * both topics to the ends that they have at the start, sorts them by session on disk, and writes session after session.
 * Cut off anywhere, it is done again from the start.
 *
 * Errors: `rebuild_refused` (the store is in use, or consumers still are in their groups), `unavailable`
 */
export const rebuild = async (parts: RebuildParts, options: RebuildOptions): Promise<RebuildReport> => {
  const { sessions, transport } = parts;
  const { topics, groups } = options;
  if (!(await sessions.isEmptied()))
    throw refused('the session store is in use: its marker is there, and nothing is lost.');
  await refuseMembers(transport, topics.observation, groups.commander);
  await refuseMembers(transport, topics.intent, groups.dispatcher);

  const report: RebuildReport = {
    records: 0,
    sessions: 0,
    unfinished: 0,
    unanswered: 0,
    deadLetters: 0,
    expired: 0,
    headless: 0,
    damaged: 0,
    damages: [],
  };
  const totals = await Promise.all(
    [topics.observation, topics.intent].map(async (topic) => ({
      topic,
      of: await recordsOf(transport, topic, options.readerGroup),
    })),
  );
  const all = totals.reduce((sum, { of }) => sum + of, 0);
  const buckets = Math.min(MOST_BUCKETS, Math.max(1, Math.ceil(all / RECORDS_A_BUCKET)));
  const spool = new Spool(options.folder, buckets);
  try {
    for (const { topic, of } of totals) await readInto(spool, parts, options, report, topic, of);
    for (let part = 0; part < spool.size; part++) {
      await writeBucket(spool.read(part), parts, options, report);
      options.tell?.({ phase: 'writing', sessions: report.sessions, part: part + 1, of: spool.size });
    }
  } finally {
    spool.remove();
  }
  await restoreLetters(parts, options, report);
  await sessions.mark();
  return report;
};

const refused = (why: string): DormouseError => new DormouseError('rebuild_refused', `Not rebuilt: ${why}`);

const refuseMembers = async (transport: Transport, topic: string, group: string): Promise<void> => {
  const members = await transport.members(topic, group);
  if (members > 0)
    throw refused(
      `${members} consumers are still in ${group}. They leave by themselves within seconds of the store's loss; a process that was killed is forgotten after its session time. Stop what doesn't leave, and try again.`,
    );
};

const recordsOf = async (transport: Transport, topic: string, group: string): Promise<number> => {
  const lag = await transport.lag(topic, group);
  return lag.reduce((sum, { end, committed }) => sum + end - committed, 0);
};

const readInto = async (
  spool: Spool,
  { transport }: RebuildParts,
  { rules, readerGroup, tell }: RebuildOptions,
  report: RebuildReport,
  topic: string,
  of: number,
): Promise<void> => {
  let read = 0;
  await readTopic(transport, topic, readerGroup, (records) => {
    read += records.length;
    report.records += records.length;
    for (const record of records) {
      const { event } = decodeEvent(record);
      const sessionId = event === undefined ? undefined : sessionOf(event, rules);
      if (event !== undefined && sessionId !== undefined) spool.add(sessionId, event);
    }
    tell?.({ phase: 'reading', topic, records: read, of });
    return true;
  });
};

/** Which session an event is about; undefined when it is none of the protocol's. */
const sessionOf = (event: CloudEvent, { typePrefix }: LogRules): string | undefined => {
  if (!event.type.startsWith(`${typePrefix}.`)) return undefined;
  if (isLost(event)) return event.subject;
  try {
    return sessionIdOf(event);
  } catch (error) {
    if (DeadLetterError.is(error)) return undefined;
    throw error;
  }
};

/** Sessions may stand parked by them, and are redriven by their names. */
const restoreLetters = async (
  { deadLetters, transport }: RebuildParts,
  { rules, topics, readerGroup }: RebuildOptions,
  report: RebuildReport,
): Promise<void> => {
  const context = { ...rules, source: '' };
  const letters: LogRecord[] = [];
  await readTopic(transport, topics.deadLetter, readerGroup, (records) => {
    letters.push(...records);
    return true;
  });
  await sideBySide(letters, async (record) => {
    if (await restoreLetter(deadLetters, context, record)) report.deadLetters++;
  });
};

/** A few at once, in order. */
const sideBySide = async <T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> => {
  const left = all[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};

const writeBucket = async (
  bucket: Map<string, CloudEvent[]>,
  parts: RebuildParts,
  options: RebuildOptions,
  report: RebuildReport,
): Promise<void> => {
  const payloads = new Payloads(parts.sessions, Infinity);
  const now = await parts.sessions.now();
  await sideBySide(bucket, async ([sessionId, events]) => {
    const log = new SessionLog(sessionId, options.rules);
    for (const event of events) log.add(isLost(event) ? await fetched(payloads, event) : event);
    const folded = foldSession(log, now, options.retentionMs);
    if (folded.kind === 'session') await restore(parts.sessions, parts.claims, folded, options.retentionMs);
    count(report, sessionId, log, folded);
  });
};

/** A payload that the store still has; without it the event stays as it is. */
const fetched = async (payloads: Payloads, event: CloudEvent): Promise<CloudEvent> => {
  try {
    return await payloads.unpack(event);
  } catch (error) {
    if (DormouseError.is(error) && error.code === 'payload_lost') return event;
    throw error;
  }
};

const count = (report: RebuildReport, sessionId: string, log: SessionLog, folded: Folded): void => {
  if (folded.kind !== 'session') {
    // a foreign event about a session that isn't ours is no session
    if (folded.kind === 'expired' || log.commits.size > 0 || log.intents.size > 0) report[folded.kind]++;
    return;
  }
  report.sessions++;
  report.unanswered += folded.known.filter(({ outcome }) => outcome === undefined).length;
  if (!isTerminal(folded.snapshot.status)) report.unfinished++;
  if (folded.damage === undefined) return;
  report.damaged++;
  if (report.damages.length < MOST_DAMAGES)
    report.damages.push({ session_id: sessionId, error: folded.damage });
};
