import { RECORD_VERSION, type SessionFixed, type Snapshot, type StoredTimelineEntry } from '#contracts';
import { nextWake } from './next-wake.js';

/** A session's first snapshot, with what is written beside it. */
export interface NewSession {
  snapshot: Snapshot;
  timeline: StoredTimelineEntry[];
  wakeAt: number;
}

/** A session that nobody has looked at yet: its first observation is on its way. */
export const newSession = (sessionId: string, fixed: SessionFixed): NewSession => {
  const at = fixed.created_at;
  const snapshot: Snapshot = {
    v: RECORD_VERSION,
    session_id: sessionId,
    version: 1,
    fixed,
    status: 'queued',
    step: 0,
    pending: [],
    outbox: { commit: null, intent_ids: [], out: false },
    applied: [],
    usage: { steps: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0 },
    timeline_seq: 1,
    history_n: 0,
    updated_at: at,
  };
  return {
    snapshot,
    timeline: [{ v: RECORD_VERSION, seq: 1, at, type: 'status', payload: { status: 'queued' } }],
    wakeAt: nextWake(snapshot, at) ?? at,
  };
};
