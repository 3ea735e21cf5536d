import type { Submission } from '#contracts';
import type { RegisteredTool } from '#dispatcher';
import { check, type Facts } from './check/checker.js';
import type { Finding } from './check/finding.js';
import { Chronicle, copiesOfIntents } from './check/histories.js';
import { actingTools, type Stage, UNDOABLE, undoableOf } from './workload/acting-tools.js';
import { EXTERNAL_TOOLS } from './workload/external-worker.js';
import { givenTools } from './workload/given-tools.js';
import type { Scenario } from './workload/scenario.js';
import type { PeopleOptions } from './workload/with-people.js';
import type { FaultAt, FaultKind, FaultPlanOptions } from './world/faults.js';
import { TOPICS } from './world/naming.js';
import { type Around, World } from './world/world.js';

/** How schedules are made; the seed decides the rest. */
export interface SimulatorOptions extends PeopleOptions {
  /** `forgetful`: a store comes back without its last writes, and only the promises that then still hold are checked */
  trust?: 'kept' | 'forgetful';
  /** submitted instead of sessions that are drawn */
  submission?: Submission;
  /** run for real, instead of the simulator's own */
  tools?: readonly RegisteredTool[];
  /** most faults of a schedule; default 6 */
  faults?: number;
  /** instead of faults that are drawn */
  exactly?: readonly FaultAt[];
  weights?: FaultPlanOptions['weights'];
  around?: Around;
  /** promises that aren't checked */
  forgives?: readonly Finding['promise'][];
  sweeps?: boolean;
  /** schedulers audit the wake-ups too, and repair what was lost; default false */
  audits?: boolean;
  scenario?: (scenario: Scenario) => Scenario;
}

/** What became of one schedule. */
export interface ScheduleReport {
  seed: number;
  findings: Finding[];
  /** sessions by how they ended */
  statuses: Record<string, number>;
  faults: Partial<Record<FaultKind, number>>;
  /** of processes to servers */
  calls: number;
  toolRuns: number;
  virtualMs: number;
  /** what happened, a line each; only when it was asked for */
  trace?: string;
}

const MOST_FAULTS = 6;
/** What a session of a few steps takes, so that faults meet its life. */
const CALLS_OF_A_STEP = 14;
const CALLS_OF_A_SESSION = 20;
const STEPS_OF_A_MODEL = 4;

/** A claim that arrives when its sender is gone, or has given it up, may find nobody who ends it. */
const partsCallAndCaller = ({ happened }: World['faults']): boolean =>
  !Object.keys(happened).every((kind) => HARMLESS_TO_CALLS.has(kind));
const HARMLESS_TO_CALLS: ReadonlySet<string> = new Set<FaultKind>([
  'in_part',
  'rebalance',
  'join',
  'clock_ahead',
]);

/** The simulator's own, and those that a program of others serves. */
const allTools = (stage: Stage): RegisteredTool[] => [...actingTools(stage), ...EXTERNAL_TOOLS];

const kept = ({ forgives = [] }: SimulatorOptions, facts: Facts): Finding[] =>
  check(facts).filter(({ promise }) => !forgives.includes(promise));

/** Runs one schedule: the same seed and options, the same schedule, to the byte of its trace. */
export const runSchedule = async (
  seed: number,
  options: SimulatorOptions = {},
  traced = false,
): Promise<ScheduleReport> => {
  const { trust = 'kept' } = options;
  const world = new World({
    seed,
    traced,
    forgetful: trust === 'forgetful',
    messages: options.messages ?? false,
    approvals: options.approvals ?? false,
    faults: (scenario) => ({
      ...(options.exactly === undefined ? {} : { exactly: options.exactly }),
      most: options.faults ?? MOST_FAULTS,
      among: scenario.wishes.reduce(
        (sum, { submission }) =>
          sum + CALLS_OF_A_SESSION + CALLS_OF_A_STEP * (submission.plan?.steps.length ?? STEPS_OF_A_MODEL),
        0,
      ),
      weights: { ...(trust === 'forgetful' ? { memory_loss: 10 } : {}), ...options.weights },
    }),
    tools: options.tools === undefined ? allTools : givenTools(options.tools),
    ...(options.submission === undefined ? {} : { submission: options.submission }),
    ...(options.around === undefined ? {} : { around: options.around }),
    ...(options.sweeps === undefined ? {} : { sweeps: options.sweeps }),
    ...(options.audits === undefined ? {} : { audits: options.audits }),
    ...(options.scenario === undefined ? {} : { scenario: options.scenario }),
  });
  const chronicle = new Chronicle(world.sessions, () => world.agenda.now);
  await world.run();
  const statuses: Record<string, number> = {};
  for (const { status } of world.sessions.rows.values()) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    seed,
    findings: kept(options, {
      histories: chronicle.histories(world.log),
      promised: world.people.clients.flatMap(({ promised }) => promised ?? []),
      ledger: world.ledger,
      backlog: world.backlog(),
      deadLetters: world.deadLetters.all(),
      scenario: world.scenario,
      endless: partsCallAndCaller(world.faults) ? [] : world.claims.endless(),
      answers: world.people.approver.answers,
      complaints: world.ledger.complaints,
      log: { topics: [TOPICS.observation, TOPICS.intent].map((topic) => world.log.topic(topic).partitions) },
      copies: copiesOfIntents(world.log),
      faultless: world.scenario.older === undefined && Object.keys(world.faults.happened).length === 0,
      undoable: options.tools === undefined ? UNDOABLE : undoableOf(options.tools),
      trust,
    }),
    statuses,
    faults: world.faults.happened,
    calls: world.faults.calls,
    toolRuns: world.ledger.runs.length,
    virtualMs: world.agenda.now - world.beganAt,
    ...(world.trace === undefined ? {} : { trace: world.trace.text() }),
  };
};
