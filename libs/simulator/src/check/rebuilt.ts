import { DEFAULT_TENANT, type Snapshot } from '#contracts';
import { foldSession, SessionLog } from '#rebuild';
import { decodeEvent, type LogRecord } from '#transport';
import { DEPLOYMENT, RESULT_LIMIT_BYTES, TYPE_PREFIX } from '../world/naming.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

/** The records of topics A and B, by topic and partition. */
export interface LogText {
  topics: readonly (readonly (readonly LogRecord[])[])[];
}

const RULES = { typePrefix: TYPE_PREFIX, deployment: DEPLOYMENT, resultLimitBytes: RESULT_LIMIT_BYTES };
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;

const textOf = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

/** Fields in which the two differ, beside what only says how far the latest step is published. */
const differences = (stored: Snapshot, made: Snapshot): string[] => {
  const names = new Set([...Object.keys(stored), ...Object.keys(made)]) as Set<keyof Snapshot>;
  names.delete('outbox');
  return [...names].flatMap((name) => {
    const [is, was] = [stored, made].map((snapshot) => textOf(snapshot[name]));
    return is === was ? [] : [`${name} is ${is}, and out of the log ${was}`];
  });
};

/** The log alone tells the whole of a session: its steps taken again make the snapshot that the store has. */
export const checkRebuilt = (
  histories: readonly SessionHistory[],
  { topics }: LogText,
  report: (promise: Finding['promise'], what: string) => void,
): void => {
  const logs = new Map(
    histories.map(({ snapshot }) => [snapshot.session_id, new SessionLog(snapshot.session_id, RULES)]),
  );
  for (const records of topics.flat())
    for (const record of records) {
      const log = logs.get(record.key ?? DEFAULT_TENANT);
      const { event } = log === undefined ? {} : decodeEvent(record);
      // a payload that lies in the store is lost with it
      if (event?.dataref !== undefined) return;
      if (event !== undefined) log?.add(event);
    }
  for (const { snapshot } of histories) {
    const log = logs.get(snapshot.session_id);
    const made = log === undefined ? undefined : foldSession(log, snapshot.updated_at, FOR_EVER_MS);
    if (made?.kind !== 'session') {
      report('log_is_the_truth', `${snapshot.session_id} isn't in the log`);
      continue;
    }
    for (const what of differences(snapshot, made.snapshot))
      report('log_is_the_truth', `${snapshot.session_id}: ${what}`);
  }
};
