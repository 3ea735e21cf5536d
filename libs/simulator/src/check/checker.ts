import type { ClaimKey } from '#idempotency';
import { type DeadLetter, isTerminal, type Outcome, type PendingIntent, repeatable } from '#contracts';
import type { Promised } from '../workload/client.js';
import type { Scenario } from '../workload/scenario.js';
import { FOREIGN } from '../workload/strays.js';
import type { Ledger } from '../world/ledger.js';
import type { AnswerGiven } from '../workload/approver.js';
import { checkApprovals } from './approvals.js';
import { checkCompensation } from './compensation.js';
import type { SessionHistory } from './histories.js';
import type { Finding } from './finding.js';
import { checkMessages } from './messages.js';
import { checkOrder } from './order.js';
import { checkRebuilt, type LogText } from './rebuilt.js';

/** Which promises hold when a store has lost its last writes, which it had acknowledged. */
export type Trust = 'kept' | 'forgetful';

export interface Facts {
  histories: readonly SessionHistory[];
  promised: readonly Promised[];
  ledger: Ledger;
  /** records that nobody finished */
  backlog: readonly string[];
  deadLetters: readonly DeadLetter[];
  scenario: Scenario;
  /** what people said of held calls */
  answers: readonly AnswerGiven[];
  /** what no model's server would have taken */
  complaints: readonly string[];
  log: LogText;
  /** claims that will never end by themselves */
  endless: readonly ClaimKey[];
  /** of intents, by id: how often they are in the log */
  copies: ReadonlyMap<string, number>;
  /** nothing went wrong: then what is due happens at its time */
  faultless: boolean;
  /** tools that name their own compensation */
  undoable: ReadonlySet<string>;
  trust: Trust;
}

type Report = (promise: Finding['promise'], what: string) => void;

/** Reads the histories of a schedule that has ended; what it finds are broken promises. */
export const check = (facts: Facts): Finding[] => {
  const findings: Finding[] = [];
  const report: Report = (promise, what) => findings.push({ promise, what });
  const { histories, promised, ledger, trust, backlog } = facts;
  for (const { key, sessionId } of trust === 'kept' ? promised : [])
    if (!histories.some(({ snapshot }) => snapshot.session_id === sessionId))
      report('nothing_lost', `${sessionId} (${key}) was accepted and isn't there`);
  if (histories.length > facts.scenario.wishes.length)
    report('one_session', `${facts.scenario.wishes.length} submissions made ${histories.length} sessions`);
  for (const session of histories) {
    checkEnd(session, trust, report);
    checkOutcomes(session, ledger, trust, report);
    // a version that came twice, once before and once after the loss, is one to a compare-and-set
    if (trust === 'kept') {
      checkTimeline(session, report);
      checkMessages(session, ledger.messages, report);
      checkOrder(session, ledger, report);
      checkCompensation(session, ledger, facts.undoable, report);
      checkApprovals(session, ledger, facts.answers, report);
    }
  }
  if (trust === 'kept') {
    checkCancels(facts, report);
    checkRuns(facts, report);
    checkDeadLetters(facts, report);
    checkLeftBehind(facts, report);
    checkRebuilt(histories, facts.log, report);
  }
  for (const what of facts.complaints) report('conversation', what);
  for (const what of backlog) report('finished', what);
  for (const [id, times] of facts.copies)
    if (times > MOST_COPIES) report('calm', `${id} is in the log ${times} times`);
  if (facts.faultless) for (const session of histories) checkTimes(session, report);
  return findings;
};

/** However long nobody is there to run it, an intent is repeated more and more rarely. */
const MOST_COPIES = 60;
const LATE_MS = 5_000;

/** A durable wait ends when it is over. */
const checkTimes = ({ intents, written }: SessionHistory, report: Report): void => {
  for (const { at, answered } of written)
    for (const id of answered) {
      const intent = intents.get(id);
      if (intent?.tool !== 'wait' || typeof intent.parameters['ms'] !== 'number') continue;
      const lateMs = at - intent.emitted_at - intent.parameters['ms'];
      if (lateMs > LATE_MS) report('in_time', `${id} waited ${lateMs} ms too long`);
    }
};

const checkEnd = (
  { snapshot, row, history, intents }: SessionHistory,
  trust: Trust,
  report: Report,
): void => {
  const { session_id, status, pending } = snapshot;
  const ended = isTerminal(status);
  if (!ended && status !== 'parked')
    report(
      'nothing_lost',
      `${session_id} goes on for ever: it is ${status} and waits for ${pending.map((p) => p.intent_id).join(', ') || 'nothing'}`,
    );
  if (ended !== (row.wake === null))
    report(
      'wake_up',
      `${session_id} is ${status} and ${row.wake === null ? 'nothing wakes it' : 'has a wake-up'}`,
    );
  if (status === 'parked' && snapshot.error === undefined)
    report('nothing_lost', `${session_id} is parked, and shows nobody why`);
  // what it waits for is among the dead letters
  const buried = snapshot.dead !== undefined;
  if ((ended || (status === 'parked' && !buried)) && pending.length > 0)
    report('one_outcome', `${session_id} is ${status} with ${pending.length} intents pending`);
  // steps that a store forgot had intents that nobody knows of any more
  if ((!ended && status !== 'parked') || trust === 'forgetful') return;
  const answered = new Set([
    ...history.flatMap((e) => (e.kind === 'observation' || e.kind === 'resolution' ? [e.intent_id] : [])),
    ...(buried ? pending.map(({ intent_id }) => intent_id) : []),
    // answered, and for a person to settle
    ...(snapshot.stuck ?? []).map(({ intent }) => intent.intent_id),
  ]);
  for (const id of intents.keys())
    if (!answered.has(id)) report('one_outcome', `${session_id} is ${status} and ${id} has no outcome`);
};

const checkTimeline = ({ snapshot, timeline, written }: SessionHistory, report: Report): void => {
  const { session_id, status, timeline_seq } = snapshot;
  timeline.forEach(({ seq, at }, i) => {
    if (seq !== i + 1) report('timeline', `${session_id}: entry ${i + 1} has seq ${seq}`);
    if (at < (timeline[i - 1]?.at ?? 0)) report('timeline', `${session_id}: time goes back at entry ${seq}`);
  });
  if (timeline.at(-1)?.seq !== timeline_seq)
    report('timeline', `${session_id}: the last entry is ${timeline.at(-1)?.seq ?? 0} of ${timeline_seq}`);
  const ends = timeline.filter(
    ({ type, payload }) => type === 'status' && isTerminal(payload['status'] as never),
  );
  if (isTerminal(status) && (ends.length !== 1 || ends[0] !== timeline.at(-1)))
    report(
      'timeline',
      `${session_id}: ${ends.length} ends, and ${timeline_seq - (ends[0]?.seq ?? 0)} entries after the first`,
    );
  const last = written.at(-1);
  if (last !== undefined && last.version !== snapshot.version)
    report('timeline', `${session_id}: version ${snapshot.version}, and ${last.version} was written last`);
};

const intentOf = (outcomes: readonly Outcome[]): string => outcomes.map(({ status }) => status).join(', ');

const checkOutcomes = (
  { snapshot, history, intents, published }: SessionHistory,
  ledger: Ledger,
  trust: Trust,
  report: Report,
): void => {
  const { session_id } = snapshot;
  const outcomes = new Map<string, Outcome[]>();
  for (const entry of history) {
    if (entry.kind !== 'observation') continue;
    // a person's answer takes the place of an undoing's failure
    const earlier = entry.key.startsWith('settled:') ? [] : (outcomes.get(entry.intent_id) ?? []);
    outcomes.set(entry.intent_id, [...earlier, entry.outcome]);
  }
  for (const { intent, outcome } of snapshot.stuck ?? [])
    if (!outcomes.has(intent.intent_id)) outcomes.set(intent.intent_id, [outcome]);
  const settled = new Set(history.flatMap((e) => (e.kind === 'resolution' ? [e.intent_id] : [])));
  for (const [id, of] of outcomes) {
    if (of.length > 1)
      report('one_outcome', `${session_id}: ${id} was answered ${of.length} times: ${intentOf(of)}`);
    const intent = intents.get(id);
    const [outcome] = of;
    if (intent === undefined || outcome === undefined || trust === 'forgetful') continue;
    checkTruth(intent, outcome, ledger, report);
    if (intent.effect === 'pure' || intent.external === true) continue;
    // a Commander that was frozen may seal what is answered and forgotten by then; that is told, and nobody listens
    const counting = (published.get(id) ?? []).filter(
      ({ status }) => status !== 'cancelled' || outcome.status === 'cancelled',
    );
    // what a person settles was told as unknown
    const own = settled.has(id) ? [] : [{ status: outcome.status, result: outcome.result }];
    const copies = new Set([...counting, ...own].map((copy) => JSON.stringify(copy)));
    if (copies.size > 1)
      report('one_outcome', `${id} was told in different ways: ${[...copies].join(' and ')}`);
  }
};

/** A record that everybody can process is no dead letter; one that nobody can is. */
const checkDeadLetters = ({ deadLetters, scenario }: Facts, report: Report): void => {
  const { strays, older, wishes } = scenario;
  const minimal = JSON.stringify(wishes).includes('minimal');
  const due = (reason: string): boolean => {
    switch (reason) {
      case 'invalid_event':
        return strays.some(({ kind }) => kind === 'garbage');
      case 'unknown_tool':
        return older !== undefined;
      // who doesn't say which intent he answers may be asked for two at once
      case 'unattributable':
        return minimal;
      default:
        return false;
    }
  };
  for (const { id, reason, error } of deadLetters)
    if (!due(reason)) report('dead_letter', `${id} is a dead letter: ${reason}: ${error}`);
  const found = deadLetters.filter(({ reason }) => reason === 'invalid_event').length;
  const wanted = strays.reduce((sum, { kind, times }) => sum + (kind === 'garbage' ? times : 0), 0);
  if (found < wanted) report('dead_letter', `${wanted} records hold no event, and ${found} are dead letters`);
};

/** Nobody looks at the claims of a session that has ended: each has a time at which it goes by itself. */
const checkLeftBehind = ({ histories, endless }: Facts, report: Report): void => {
  const ended = new Set(
    histories.flatMap(({ snapshot }) => (isTerminal(snapshot.status) ? [snapshot.session_id] : [])),
  );
  for (const { sessionId, intentId } of endless)
    if (ended.has(sessionId)) report('left_behind', `the claim of ${intentId} stays for ever`);
};

/** What is recorded of a tool that may not be repeated is what happened. */
const checkTruth = (intent: PendingIntent, outcome: Outcome, ledger: Ledger, report: Report): void => {
  if (intent.external === true && outcome.status === 'succeeded' && ledger.countOf(intent.intent_id) === 0)
    report('true_outcome', `${intent.intent_id} (${intent.tool}) is succeeded, and nobody did it`);
  // who keeps no claims does it for each delivery
  if (repeatable(intent.effect) || intent.external === true) return;
  // what is frozen in the middle may act after the deadline, when its outcome has been told already
  const times = ledger.effects.get(intent.intent_id) ?? [];
  const done = times.filter((at) => at <= intent.deadline_at || times.length > 1).length;
  const told = `${intent.intent_id} (${intent.tool}) is ${outcome.status}, and had its effect ${done} times`;
  if (done > 1) report('not_twice', told);
  if (outcome.status === 'succeeded' && times.length !== 1) report('true_outcome', told);
  if ((outcome.status === 'failed' || outcome.status === 'cancelled') && done !== 0)
    report('true_outcome', told);
};

/** Runs of what may not be repeated: one, beside those that surely did nothing. */
const checkRuns = ({ histories, ledger }: Facts, report: Report): void => {
  const intents = new Map(histories.flatMap((session) => [...session.intents]));
  const runs = new Map<string, number>();
  for (const run of ledger.runs) {
    const intent = intents.get(run.intentId);
    if (run.external === true) continue;
    if (run.key !== run.intentId) report('one_key', `${run.intentId} was run under the key ${run.key}`);
    if (run.intentId.startsWith(FOREIGN)) {
      runs.set(run.intentId, (runs.get(run.intentId) ?? 0) + 1);
      continue;
    }
    if (intent === undefined) {
      report('not_twice', `${run.intentId} was run, and no session ever wanted it`);
      continue;
    }
    if (run.parameters !== JSON.stringify(intent.parameters))
      report('not_twice', `${run.intentId} was run with other parameters than its session's`);
    if (run.didNothing || repeatable(intent.effect)) continue;
    runs.set(run.intentId, (runs.get(run.intentId) ?? 0) + 1);
  }
  for (const [id, times] of runs)
    if (times > 1) report('not_twice', `${id} (${intents.get(id)?.tool ?? ''}) was run ${times} times`);
};

const checkCancels = ({ histories, promised }: Facts, report: Report): void => {
  for (const { sessionId, cancelled } of promised) {
    const session = histories.find(({ snapshot }) => snapshot.session_id === sessionId);
    if (cancelled && session?.snapshot.status === 'completed')
      report('cancel', `${sessionId} was cancelled, and is completed`);
  }
};
