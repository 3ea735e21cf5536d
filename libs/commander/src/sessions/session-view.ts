import {
  isTerminal,
  type PendingIntent,
  type PendingView,
  type SessionView,
  type Snapshot,
  type StuckIntent,
  type StuckView,
} from '#contracts';
import { unreadMessages } from '../core/take-up.js';

const iso = (ms: number): string => new Date(ms).toISOString();

const stuckView = ({ intent, outcome }: StuckIntent): StuckView => ({
  intent_id: intent.intent_id,
  tool_name: intent.tool,
  parameters: intent.parameters,
  step: intent.step,
  status: outcome.status,
  error: outcome.error,
  ...(intent.compensates === undefined ? {} : { compensates: intent.compensates }),
});

const commonView = ({ intent_id, tool, step, emitted_at }: PendingIntent) => ({
  intent_id,
  tool_name: tool,
  step,
  since: iso(emitted_at),
});

const pendingView = (intent: PendingIntent): PendingView => ({
  ...commonView(intent),
  deadline: iso(intent.deadline_at),
});

const heldView = (intent: PendingIntent): PendingView => ({
  ...commonView(intent),
  waits_for: 'approval',
  parameters: intent.parameters,
  digest: intent.digest,
});

/** The session as a client sees it. `thinking`: its brain is known to be at it. */
export const sessionView = (snapshot: Snapshot, thinking: boolean): SessionView => {
  const { fixed, status } = snapshot;
  const { input, plan, metadata } = fixed.submission;
  const unread = unreadMessages(snapshot);
  return {
    session_id: snapshot.session_id,
    status: thinking && !isTerminal(status) ? 'thinking' : status,
    step: snapshot.step,
    brain: fixed.brain,
    ...(input === undefined ? {} : { input }),
    ...(plan === undefined ? {} : { plan }),
    result: snapshot.result ?? null,
    error: snapshot.error ?? null,
    pending: [...snapshot.pending.map(pendingView), ...(snapshot.held ?? []).map(heldView)],
    ...(snapshot.stuck === undefined ? {} : { stuck: snapshot.stuck.map(stuckView) }),
    ...(snapshot.question === undefined
      ? {}
      : { question: { content: snapshot.question.content, since: iso(snapshot.question.at) } }),
    ...(unread === 0 ? {} : { unread_messages: unread }),
    metadata: metadata ?? {},
    usage: snapshot.usage,
    trace_id: fixed.trace_id,
    created_at: iso(fixed.created_at),
    updated_at: iso(snapshot.updated_at),
    version: snapshot.version,
    ...(fixed.warnings === undefined ? {} : { warnings: fixed.warnings }),
  };
};
