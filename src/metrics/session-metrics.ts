import type { CommanderService, Sessions, ThinkingSessions } from '#commander';
import { LABELS, METRICS } from '#telemetry';
import { type Definition, labelled, single } from './definition.js';

const { session, step } = METRICS;

export interface SessionParts {
  sessions: Sessions;
  thinking: ThinkingSessions;
  /** undefined: this process is no commander */
  commander: CommanderService | undefined;
  troubles: Readonly<{ failed: number }>;
}

/** What became of sessions by this process: what it accepted, and what its steps did. */
export const sessionMetrics = ({ sessions, thinking, commander, troubles }: SessionParts): Definition[] => [
  labelled('counter', session.entered, 'Sessions that came to a status', LABELS.status, () => ({
    ...commander?.figures.entered,
    queued: sessions.counts.created,
  })),
  single(
    'counter',
    session.repeated,
    'Submissions answered by the session of an earlier one',
    () => sessions.counts.repeated,
  ),
  ...(commander === undefined ? [] : commanderMetrics(commander, thinking, troubles)),
];

const commanderMetrics = (
  { counts, figures }: CommanderService,
  thinking: ThinkingSessions,
  troubles: Readonly<{ failed: number }>,
): Definition[] => [
  labelled('counter', session.left, 'Sessions that left a status', LABELS.status, () => figures.left),
  single('gauge', session.thinking, 'Sessions whose brain is being waited for', () => thinking.size),
  {
    kind: 'histogram',
    name: session.duration,
    help: 'From the submission to the end, by the status at the end',
    label: LABELS.status,
    read: () => figures.lifetimes,
  },
  single('counter', step.committed, 'Steps committed', () => counts.steps),
  single(
    'counter',
    step.conflicts,
    'Steps done again because another commit came first',
    () => counts.conflicts,
  ),
  labelled('counter', step.ignored, 'Observations that changed nothing', LABELS.reason, () => ({
    ...counts.ignored,
    expired: counts.expired,
    foreign: counts.foreign,
  })),
  {
    kind: 'histogram',
    name: step.duration,
    help: 'From the arrival of an observation until what its step decided is in the log',
    label: LABELS.brain,
    read: () => figures.steps,
  },
  {
    kind: 'histogram',
    name: step.think,
    help: 'How long the brain took',
    label: LABELS.brain,
    read: () => figures.thinks,
  },
  labelled(
    'counter',
    step.tokens,
    'Tokens of the LLM, counted with the step',
    LABELS.direction,
    () => figures.tokens,
  ),
  single('counter', step.failedRequests, 'Requests to the LLM that failed', () => troubles.failed),
];
