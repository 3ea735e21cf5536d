import { readFileSync } from 'node:fs';
import type { TimelineEntry } from '#contracts';
import { type Finished, historyFaults } from './session-checks.js';

/** One line of the journal that the bookings keep. */
export interface BookingLine {
  tool: 'book' | 'unbook';
  intent: string;
  compensates?: string;
  at: 'begin' | 'end';
}

export const readBookings = (file: string): BookingLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as BookingLine);

const of = ({ payload }: TimelineEntry): Record<string, unknown> => payload as Record<string, unknown>;

/** Which steps follow which, and so are undone first. */
export type After = Readonly<Record<string, readonly string[]>>;

/**
 * Sentences on what is wrong with a saga whose last step fails: each step that was done is undone once, in reverse order,
 * or the session stands parked and names what is open. Empty when it is as promised.
 */
export const sagaFaults = (finished: Finished, lines: readonly BookingLine[], after: After): string[] => {
  const { session, timeline } = finished;
  const faults = historyFaults(finished);
  const say = (what: string) => faults.push(`${session.session_id} (${session.status}): ${what}`);
  const own = lines.filter(({ intent }) => intent.startsWith(`${session.session_id}.`));

  const intents = timeline.filter(({ type }) => type === 'intent');
  const outcomes = new Map<unknown, TimelineEntry>();
  for (const entry of timeline) if (entry.type === 'observation') outcomes.set(of(entry)['intent_id'], entry);
  const statusOf = (intent: unknown): unknown => {
    const entry = outcomes.get(intent);
    return entry === undefined ? undefined : of(entry)['status'];
  };

  const begun = (tool: BookingLine['tool'], intent: string): number =>
    own.filter((line) => line.tool === tool && line.intent === intent && line.at === 'begin').length;
  const undoings = (intent: string): TimelineEntry[] =>
    intents.filter((entry) => of(entry)['compensates'] === intent);

  if (session.status !== 'compensated' && session.status !== 'parked') say('it is neither undone nor parked');
  if (session.status === 'parked' && (session.stuck ?? []).length === 0)
    say('it is parked and names nothing');
  if (session.status === 'compensated' && session.pending.length > 0) say('it has ended and waits');

  const placeOf = new Map<string, { booked: string; undone: TimelineEntry | undefined }>();
  for (const entry of intents) {
    const { intent_id: id, tool_name: tool, call } = of(entry) as Record<string, string | undefined>;
    if (id === undefined || tool !== 'book') continue;
    if (begun('book', id) > 1) say(`${id} was booked ${begun('book', id)} times`);
    const done = statusOf(id);
    const undone = undoings(id);
    const open = (session.stuck ?? []).some(
      ({ intent_id }) => intent_id === id || undone.some((u) => of(u)['intent_id'] === intent_id),
    );
    placeOf.set((call ?? '').replace(/^step:/, ''), { booked: id, undone: undone[0] });
    const mayBeDone = done === 'succeeded' || done === 'unknown';
    if (begun('book', id) > 0 && !mayBeDone) say(`${id} was begun, and its outcome is ${String(done)}`);
    if (undone.length > 1) say(`${id} is undone by ${undone.length} intents`);
    if (!mayBeDone && undone.length > 0) say(`${id} is undone and was never done`);
    if (!mayBeDone || open) continue;
    if (session.status === 'parked' && undone.length === 0) continue;
    const [undoing] = undone;
    const by = undoing === undefined ? undefined : String(of(undoing)['intent_id']);
    if (by === undefined || statusOf(by) !== 'succeeded') say(`${id} is ${done} and not undone`);
    else if (begun('unbook', by) === 0) say(`${id} counts as undone by ${by}, which never ran`);
  }

  for (const [step, { undone }] of placeOf)
    for (const earlier of after[step] ?? []) {
      const before = placeOf.get(earlier)?.undone;
      if (undone === undefined || before === undefined) continue;
      const ended = outcomes.get(of(undone)['intent_id']);
      if (ended === undefined || ended.seq > before.seq)
        say(`${earlier} began to be undone before ${step} was`);
    }
  return faults;
};
