import {
  type HistoryEntry,
  type PendingIntent,
  RECORD_VERSION,
  type Snapshot,
  type StoredStatus,
  type StoredTimelineEntry,
  isTerminal,
  newTraceId,
} from '#contracts';
import { intentDigest, nextToken } from '#idempotency';
import type { Commit, Creation, SessionStore } from '#state';
import { freshName } from '../fresh-name.js';

/** What a test says of a new session; the rest is ordinary. */
export interface CreationOptions {
  id?: string;
  tenant?: string;
  metadata?: Record<string, string>;
  createdAt?: number;
  wakeAt?: number;
}

export const creationAt = (now: number, options: CreationOptions = {}): Creation => {
  const createdAt = options.createdAt ?? now;
  const snapshot: Snapshot = {
    v: RECORD_VERSION,
    session_id: options.id ?? freshName('sess'),
    version: 1,
    fixed: {
      tenant: options.tenant ?? 'default',
      submission: {
        input: 'Which five countries have the most neighbours? 中国 é',
        ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
      },
      brain: 'openai',
      trace_id: newTraceId(),
      created_at: createdAt,
      deadline_at: createdAt + 86_400_000,
    },
    status: 'queued',
    step: 0,
    pending: [],
    outbox: { commit: null, intent_ids: [], out: false },
    applied: [],
    usage: { steps: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0 },
    timeline_seq: 1,
    history_n: 0,
    updated_at: createdAt,
  };
  return {
    snapshot,
    timeline: [{ v: RECORD_VERSION, seq: 1, at: createdAt, type: 'status', payload: { status: 'queued' } }],
    wakeAt: options.wakeAt ?? now + 15_000,
  };
};

export const pendingIntent = (sessionId: string, step: number, now: number): PendingIntent => ({
  intent_id: `${sessionId}.${String(step)}.0`,
  tool: 'sql_query',
  parameters: { query: `SELECT ${String(step)}` },
  digest: intentDigest('sql_query', { query: `SELECT ${String(step)}` }),
  effect: 'pure',
  step,
  emitted_at: now,
  deadline_at: now + 30_000,
});

/** What a test says of the next step of a session; the rest is ordinary. */
export interface StepOptions {
  /** default: one minute from `now`; null with a terminal status */
  wakeAt?: number | null;
  status?: StoredStatus;
  /** history entries to add; default: one message under a key of this version */
  history?: HistoryEntry[];
  /** timeline entries to add; default: one that refers to the first history entry */
  timeline?: (Omit<StoredTimelineEntry, 'v' | 'seq' | 'at'> & { at?: number })[];
  change?: Partial<Snapshot>;
  token?: string;
}

export const messageEntry = (n: number, key: string, content: string): HistoryEntry => ({
  v: RECORD_VERSION,
  key,
  n,
  kind: 'message',
  content,
});

/** The commit of one ordinary step after `before`. */
export const stepAfter = (before: Snapshot, now: number, options: StepOptions = {}): Commit => {
  const version = before.version + 1;
  const status = options.status ?? 'waiting_tool';
  const ended = isTerminal(status);
  const history = options.history ?? [
    messageEntry(before.history_n + 1, `key:${version}`, `content of ${version}`),
  ];
  const entries = options.timeline ?? [
    {
      type: 'message' as const,
      payload: { of: version },
      ...(history[0] ? { history_key: history[0].key } : {}),
    },
  ];
  const timeline = entries.map((entry, i): StoredTimelineEntry => ({
    v: RECORD_VERSION,
    at: now,
    ...entry,
    seq: before.timeline_seq + i + 1,
  }));
  const pending = ended ? [] : [pendingIntent(before.session_id, version, now)];
  return {
    token: options.token ?? nextToken(),
    expectedVersion: before.version,
    snapshot: {
      ...before,
      version,
      status,
      step: before.step + 1,
      pending,
      outbox: { commit: null, intent_ids: pending.map((p) => p.intent_id), out: false },
      usage: { ...before.usage, steps: before.usage.steps + 1 },
      timeline_seq: before.timeline_seq + timeline.length,
      history_n: before.history_n + history.length,
      updated_at: now,
      ...options.change,
    },
    history,
    timeline,
    wakeAt: options.wakeAt === undefined ? (ended ? null : now + 60_000) : options.wakeAt,
  };
};

/** Creates a session and returns its snapshot. */
export const created = async (store: SessionStore, options: CreationOptions = {}): Promise<Snapshot> => {
  const creation = creationAt(await store.now(), options);
  const reply = await store.create(creation);
  if (reply.kind !== 'created') throw new Error(`${creation.snapshot.session_id} was there already`);
  return creation.snapshot;
};

/** Commits one step, which must succeed, and returns the new snapshot. */
export const stepped = async (
  store: SessionStore,
  before: Snapshot,
  options: StepOptions = {},
): Promise<Snapshot> => {
  const commit = stepAfter(before, await store.now(), options);
  const reply = await store.commit(commit);
  if (reply.kind !== 'committed')
    throw new Error(`version ${commit.snapshot.version}: ${JSON.stringify(reply)}`);
  return commit.snapshot;
};

/** Everything that can be seen of one session; compared as a whole. */
export const sightOf = async (store: SessionStore, sessionId: string): Promise<Record<string, unknown>> => ({
  snapshot: await store.load(sessionId),
  history: await store.history(sessionId),
  timeline: await store.timeline(sessionId),
  wake: await store.wakeOf(sessionId),
});

/** Writes session after session, `n` of each kind at once. */
export const inParallel = async <T>(n: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => make(i)));
