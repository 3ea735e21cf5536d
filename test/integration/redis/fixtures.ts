import { type Outcome, type Snapshot, newTraceId } from '#contracts';
import { nextToken } from '#idempotency';
import { type Commit, type Creation } from '#state';
import { freshName } from '#testing';

export const creationOf = (sessionId = freshName('sess'), now = Date.now()): Creation => ({
  snapshot: {
    v: 1,
    session_id: sessionId,
    version: 1,
    fixed: {
      tenant: 'default',
      submission: { input: 'go' },
      brain: 'openai',
      trace_id: newTraceId(),
      created_at: now,
    },
    status: 'queued',
    step: 0,
    pending: [],
    outbox: { commit: null, intent_ids: [], out: false },
    applied: [],
    usage: { steps: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0 },
    timeline_seq: 1,
    history_n: 0,
    updated_at: now,
  },
  timeline: [{ v: 1, seq: 1, at: now, type: 'status', payload: { status: 'queued' } }],
  wakeAt: now + 15_000,
});

/** One ordinary step after `before`; with `ends` the last. */
export const commitAfter = (before: Snapshot, { ends = false, now = Date.now() } = {}): Commit => ({
  token: nextToken(),
  expectedVersion: before.version,
  snapshot: {
    ...before,
    version: before.version + 1,
    status: ends ? 'completed' : 'waiting_tool',
    step: before.step + 1,
    timeline_seq: before.timeline_seq + 1,
    history_n: before.history_n + 1,
    updated_at: now,
  },
  history: [
    {
      v: 1,
      key: `key:${before.version}`,
      n: before.history_n + 1,
      kind: 'message',
      content: 'what was said',
    },
  ],
  timeline: [
    {
      v: 1,
      seq: before.timeline_seq + 1,
      at: now,
      type: 'message',
      payload: {},
      history_key: `key:${before.version}`,
    },
  ],
  wakeAt: ends ? null : now + 60_000,
});

export const succeeded = (result: string): Outcome => ({
  status: 'succeeded',
  result,
  error: null,
  attempts: 1,
  started_at: '2026-01-27T10:00:00.000Z',
  duration_ms: 1,
});
