import {
  type HistoryEntry,
  intentId,
  type RecordedAnswer,
  type RecordedCall,
  type Snapshot,
  type StepCommit,
  type StoredTimelineEntry,
} from '#contracts';
import { type Input, type Observation, type ReadyCall, transition, type Transition } from '#commander';
import { intentDigest } from '#idempotency';
import type { SessionLog } from './session-log.js';

/** What one step wrote, as it goes into the store. */
export interface FoldedStep {
  snapshot: Snapshot;
  history: HistoryEntry[];
  timeline: StoredTimelineEntry[];
  wakeAt: number | null;
}

export type StepFold =
  | { kind: 'step'; step: FoldedStep }
  /** not all of its intents are in the log: it wasn't published whole, so its observation comes again */
  | { kind: 'unpublished' }
  /** the machine of this release makes something else of what is recorded */
  | { kind: 'disagrees'; why: string };

/** Takes one step again, with the answers that are recorded for it, through the session machine. */
export const foldStep = (
  before: Snapshot,
  observation: Observation,
  commit: StepCommit,
  log: SessionLog,
): StepFold => {
  // an observation after which the brain wasn't asked although it might have been: it thinks when nothing is pending
  const asked = commit.answers?.some(({ kind }) => kind !== 'sealed') === true;
  const each = replay(before, { kind: 'observation', observation, thinksAfter: 'each' }, commit, log);
  const made =
    each.kind === 'unanswered' && !asked
      ? replay(before, { kind: 'observation', observation, thinksAfter: 'all' }, commit, log)
      : each;
  if (made.kind === 'unanswered') return { kind: 'disagrees', why: `it asks for ${made.question}` };
  if (made.kind === 'ignored') return { kind: 'disagrees', why: `it finds the observation ${made.why}` };
  const { snapshot } = made.step;
  if (snapshot.version !== commit.version || snapshot.status !== commit.status)
    return {
      kind: 'disagrees',
      why: `it makes version ${snapshot.version} ${snapshot.status} of version ${commit.version} ${commit.status}`,
    };
  const whole = snapshot.outbox.intent_ids.every((id) => log.intents.has(id));
  return whole ? { kind: 'step', step: made.step } : { kind: 'unpublished' };
};

type Replayed =
  | { kind: 'step'; step: FoldedStep }
  | { kind: 'ignored'; why: string }
  | { kind: 'unanswered'; question: string };

const replay = (before: Snapshot, first: Input, commit: StepCommit, log: SessionLog): Replayed => {
  const answers = [...(commit.answers ?? [])];
  const history: HistoryEntry[] = [];
  const timeline: StoredTimelineEntry[] = [];
  let made: Transition = transition(before, first, commit.at);
  for (;;) {
    const { snapshot, effects } = made;
    const { next } = effects;
    history.push(...effects.history);
    timeline.push(...effects.timeline);
    if (next.kind === 'ignore') return { kind: 'ignored', why: next.reason };
    if (next.kind === 'commit')
      return { kind: 'step', step: { snapshot, history, timeline, wakeAt: next.wakeAt } };
    const answer = answers.shift();
    if (answer === undefined) return { kind: 'unanswered', question: next.kind };
    made = transition(snapshot, inputOf(answer, snapshot, commit, log), answer.at ?? commit.at);
  }
};

/** The machine's input that an answer was recorded from. */
const inputOf = (answer: RecordedAnswer, snapshot: Snapshot, commit: StepCommit, log: SessionLog): Input => {
  const { result } = commit;
  switch (answer.kind) {
    case 'decision': {
      const { kind: _, at: _at, calls = [], message, said, finish, ...rest } = answer;
      const told = said === true ? commit.brain_message : message;
      return {
        kind: 'decision',
        decision: {
          ...rest,
          calls: calls.map((call, index) => readyCall(call, index, snapshot, log)),
          ...(told === undefined ? {} : { message: told }),
          ...(finish === undefined
            ? {}
            : {
                finish:
                  finish.kind === 'completed'
                    ? { ...finish, result: result ?? null }
                    : finish.kind === 'failed'
                      ? { kind: 'failed', error: finish.error, ...(result === undefined ? {} : { result }) }
                      : { kind: 'parked', error: finish.error },
              }),
        },
      };
    }
    case 'conclusion': {
      const { kind: _, at: _at, calls = [], unmade = [], closing, ...rest } = answer;
      return {
        kind: 'conclusion',
        conclusion: {
          ...rest,
          calls: calls.map((call, index) => readyCall(call, index, snapshot, log)),
          ...(unmade.length === 0
            ? {}
            : {
                unmade: unmade.map(({ call, outcome }, index) => ({
                  call: readyCall(call, calls.length + index, snapshot, log),
                  outcome,
                })),
              }),
          ...(closing === undefined
            ? {}
            : { closing: { ...closing, ...(result === undefined ? {} : { result }) } }),
        },
      };
    }
    case 'sealed':
      return { kind: 'sealed', answers: answer.answers };
    case 'think_failed':
      return { kind: 'think_failed', error: answer.error };
  }
};

/** A call that was never emitted, or whose intent isn't in the log: the step shows which. */
const NOWHERE = { tool: '', parameters: {}, digest: '', effect: 'irreversible', deadline_at: 0 } as const;

/** A recorded call, completed with what its intent says. */
const readyCall = (
  { later, deadline_at, ...rest }: RecordedCall,
  index: number,
  snapshot: Snapshot,
  log: SessionLog,
): ReadyCall => {
  if (later !== undefined) return { ...rest, ...later, digest: intentDigest(later.tool, later.parameters) };
  const data = log.intents.get(intentId(snapshot.session_id, snapshot.step + 1, index))?.data;
  if (data === undefined) return { ...NOWHERE, ...rest, deadline_at: deadline_at ?? NOWHERE.deadline_at };
  const { tool_name: tool, compensates, effect, deadline } = data;
  const parameters = data.parameters as ReadyCall['parameters'];
  return {
    ...rest,
    tool,
    parameters,
    digest: intentDigest(tool, parameters),
    effect: effect ?? 'irreversible',
    deadline_at: deadline_at ?? Date.parse(deadline ?? ''),
    ...(compensates === undefined ? {} : { compensates }),
  };
};
