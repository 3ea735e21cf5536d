import { type Plan, type SessionView, type TimelineEntry, isTerminal } from '#contracts';
import type { JournalLine } from './journal.js';

export interface Finished {
  session: SessionView;
  timeline: TimelineEntry[];
}

const field = (entry: TimelineEntry, name: string): unknown =>
  (entry.payload as Record<string, unknown>)[name];

/** Sentences on what is wrong with the history of one session; empty when it keeps the promises. */
export const historyFaults = ({ session, timeline }: Finished): string[] => {
  const faults: string[] = [];
  const say = (what: string) => faults.push(`${session.session_id}: ${what}`);
  timeline.forEach((entry, index) => {
    if (entry.seq !== index + 1) say(`expected seq ${index + 1}, got ${entry.seq}`);
    const before = timeline[index - 1];
    if (before !== undefined && before.time > entry.time)
      say(`entry ${entry.seq} is older than the one before`);
  });
  const emitted = new Map<string, number>();
  const observed = new Map<string, number>();
  for (const entry of timeline) {
    const intent = field(entry, 'intent_id');
    if (typeof intent !== 'string') continue;
    if (entry.type === 'intent') {
      if (emitted.has(intent)) say(`intent ${intent} was emitted twice`);
      emitted.set(intent, entry.seq);
    }
    if (entry.type === 'observation') {
      if (observed.has(intent)) say(`two outcomes of ${intent} were applied`);
      if (!emitted.has(intent)) say(`an outcome of ${intent} was applied before it was emitted`);
      observed.set(intent, entry.seq);
    }
  }
  if (isTerminal(session.status)) {
    for (const intent of emitted.keys())
      if (!observed.has(intent)) say(`intent ${intent} has no outcome although the session ended`);
    const last = timeline.at(-1);
    if (last?.type !== 'status' || field(last, 'status') !== session.status)
      say(`the last entry is not its end: ${JSON.stringify(last)}`);
  }
  return faults;
};

/** A plan's steps in order: a step's intent comes after the outcome of every step that it follows. */
export const orderFaults = ({ session, timeline }: Finished, plan: Plan): string[] => {
  const at = (type: 'intent' | 'observation', step: string) =>
    timeline.find(
      (e) => e.type === type && (field(e, 'call') === `step:${step}` || field(e, 'plan_step') === step),
    )?.seq;
  const faults: string[] = [];
  plan.steps.forEach((step, index) => {
    const begun = at('intent', step.id);
    if (begun === undefined) return;
    const follows = step.after ?? plan.steps.slice(Math.max(0, index - 1), index).map((s) => s.id);
    for (const earlier of follows) {
      const ended = at('observation', earlier);
      if (ended === undefined || ended > begun)
        faults.push(`${session.session_id}: step ${step.id} began before ${earlier} had ended`);
    }
  });
  return faults;
};

/**
 * How sessions of plans whose tools never fail may end: completed, or parked because of an outcome that nobody knows,
 * which only an effect that isn't repeated may have.
 */
export const endFaults = ({ session, timeline }: Finished, journal: readonly JournalLine[]): string[] => {
  const faults: string[] = [];
  const unknown = timeline.filter(
    (entry) => entry.type === 'observation' && field(entry, 'status') === 'unknown',
  );
  for (const entry of unknown) {
    const intent = String(field(entry, 'intent_id'));
    const effect = journal.find((line) => line.intent === intent)?.effect;
    if (effect === 'pure' || effect === 'idempotent') faults.push(`${intent}: ${effect} and yet unknown`);
  }
  if (session.status === 'parked') {
    if (unknown.length === 0) faults.push(`${session.session_id}: parked without an unknown outcome`);
  } else if (session.status !== 'completed')
    faults.push(`${session.session_id}: expected completed, got ${session.status}`);
  return faults;
};
