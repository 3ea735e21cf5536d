import type { RecordedAnswer, RecordedCall, StepCommit } from '#contracts';
import type { Closing, Finish, ReadyCall } from './decision.js';
import type { Transition } from './effects.js';
import type { Input } from './input.js';

/** An input that answers what the transition before asked for. */
export type Answering = Exclude<Input, { kind: 'observation' }>;

/** Keeps an answer in the step's commit, so that the log alone tells how the step went. */
export const remember = (made: Transition, input: Answering, now: number): Transition => {
  const { snapshot, effects } = made;
  const { commit } = snapshot.outbox;
  if (effects.next.kind === 'ignore' || commit === null) return made;
  const answer: RecordedAnswer = { ...(now === commit.at ? {} : { at: now }), ...recorded(input, commit) };
  const answers = [...(commit.answers ?? []), answer];
  return {
    snapshot: { ...snapshot, outbox: { ...snapshot.outbox, commit: { ...commit, answers } } },
    effects,
  };
};

const recorded = (input: Answering, commit: StepCommit): RecordedAnswer => {
  switch (input.kind) {
    case 'decision': {
      const { calls, answered = [], ask, message, finish, brain_state, usage } = input.decision;
      return {
        kind: 'decision',
        ...(calls.length === 0 ? {} : { calls: calls.map(recordedCall) }),
        ...(answered.length === 0 ? {} : { answered: [...answered] }),
        ...(ask === undefined ? {} : { ask }),
        ...(message === undefined ? {} : message === commit.brain_message ? { said: true } : { message }),
        ...(finish === undefined ? {} : { finish: recordedFinish(finish) }),
        ...(brain_state === undefined ? {} : { brain_state }),
        ...(usage === undefined ? {} : { usage }),
      };
    }
    case 'conclusion': {
      const { calls, unmade = [], brain_state, closing } = input.conclusion;
      return {
        kind: 'conclusion',
        ...(calls.length === 0 ? {} : { calls: calls.map(recordedCall) }),
        ...(unmade.length === 0
          ? {}
          : { unmade: unmade.map(({ call, outcome }) => ({ call: wholeCall(call), outcome })) }),
        ...(brain_state === undefined ? {} : { brain_state }),
        ...(closing === undefined ? {} : { closing: recordedClosing(closing) }),
      };
    }
    case 'sealed':
      return { kind: 'sealed', answers: [...input.answers] };
    case 'think_failed':
      return { kind: 'think_failed', error: input.error };
  }
};

const recordedCall = (ready: ReadyCall): RecordedCall =>
  ready.not_before === undefined && ready.held !== true ? briefCall(ready) : wholeCall(ready);

const briefCall = ({
  call,
  on_compensation_failure,
  external,
  repeat,
  deadline_at,
  bare,
  held,
}: ReadyCall): RecordedCall => ({
  ...(call === undefined ? {} : { call }),
  ...(on_compensation_failure === undefined ? {} : { on_compensation_failure }),
  ...(external === undefined ? {} : { external }),
  ...(repeat === undefined ? {} : { repeat, deadline_at }),
  ...(bare === true ? { bare } : {}),
  ...(held === true ? { held } : {}),
});

const wholeCall = (ready: ReadyCall): RecordedCall => {
  const { not_before, tool, parameters, effect, deadline_at, compensates } = ready;
  const later = {
    tool,
    parameters,
    effect,
    deadline_at,
    ...(not_before === undefined ? {} : { not_before }),
    ...(compensates === undefined ? {} : { compensates }),
  };
  return { ...briefCall(ready), later };
};

const recordedFinish = (finish: Finish) => {
  if (finish.kind !== 'completed') return { kind: finish.kind, error: finish.error };
  return { kind: finish.kind, ...(finish.error === undefined ? {} : { error: finish.error }) };
};

const recordedClosing = ({ status, error }: Closing) => ({
  status,
  ...(error === undefined ? {} : { error }),
});
