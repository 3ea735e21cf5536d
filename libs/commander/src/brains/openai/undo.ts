import type { HistoryEntry, JsonObject, Snapshot, ToolCatalogue } from '#contracts';
import type { Call, Closing, Conclusion, ThinkContext } from '../../brain.js';
import { compensationEnd } from '../../core/stuck.js';
import { declaredCompensation, declaredParameters } from '../declared-compensation.js';
import { undoingStuck, withNotUndone } from '../undoing-end.js';
import { callArguments, storedTurn } from './turn.js';

const UNDO = 'undo:';
type Ended = Extract<HistoryEntry, { kind: 'observation' }>;

/** A call that was made, or may have been, and the tool that undoes it. */
interface Undoable {
  done: Ended;
  compensation: string;
  parameters: JsonObject;
}

/** How far the undoing of a session's calls is. */
interface Undone {
  calls: Call[];
  underWay: boolean;
  done: boolean;
  stuck: string[];
  skipped: string[];
}

/**
 * What is left to do when a model's session is ending: its calls are undone by what their tools declare, those of the
 * last turn first, the calls of one turn at once. All of it follows from the history.
 */
export const windUp = async (context: ThinkContext): Promise<Conclusion> => {
  const { snapshot, tools } = context;
  if (snapshot.ending?.compensate !== true) return { calls: [] };
  const undone = look(await context.history(), snapshot, tools);
  if (undone.calls.length > 0 || undone.underWay) return { calls: undone.calls };
  const closing = closingOf(undone, snapshot.ending);
  return closing === undefined ? { calls: [] } : { calls: [], closing };
};

const look = (history: readonly HistoryEntry[], snapshot: Snapshot, tools: ToolCatalogue): Undone => {
  const state: Undone = { calls: [], underWay: false, done: false, stuck: [], skipped: [] };
  const ended = endedCalls(history);
  const pending = new Set(snapshot.pending.map((intent) => nameOf(intent.call)));
  for (const turn of turnsOf(history, ended, tools).reverse()) {
    for (const undoable of turn) {
      const { intent_id, call = '' } = undoable.done;
      const name = UNDO + call;
      const last = ended.get(name);
      if (pending.has(name)) state.underWay = true;
      else if (last === undefined) state.calls.push(callOf(undoable, name, tools));
      else {
        const end = compensationEnd(last.outcome, undefined, false);
        if (end === 'done') state.done = true;
        else (end === 'skipped' ? state.skipped : state.stuck).push(intent_id);
      }
    }
    // what was done earlier may be what this rests on
    if (state.calls.length > 0 || state.underWay || state.stuck.length > 0) break;
  }
  return state;
};

/** An undoing that was run again has a suffix. */
const nameOf = (call: string | undefined): string =>
  call?.startsWith(UNDO) === true ? (call.split('#')[0] ?? '') : '';

/** The latest outcome of each call, and of each undoing. */
const endedCalls = (history: readonly HistoryEntry[]): Map<string, Ended> => {
  const ended = new Map<string, Ended>();
  for (const entry of history)
    if (entry.kind === 'observation' && entry.call !== undefined)
      ended.set(nameOf(entry.call) || entry.call, entry);
  return ended;
};

/** The calls that there is something to undo of, turn by turn. */
const turnsOf = (
  history: readonly HistoryEntry[],
  ended: ReadonlyMap<string, Ended>,
  tools: ToolCatalogue,
): Undoable[][] =>
  history.flatMap((entry) => {
    const turn = entry.kind === 'brain' ? storedTurn(entry.content) : undefined;
    if (turn === undefined) return [];
    return [
      turn.calls.flatMap((call): Undoable[] => {
        const done = ended.get(call.id);
        if (done?.outcome.status !== 'succeeded' && done?.outcome.status !== 'unknown') return [];
        const parameters = callArguments(call.arguments) ?? {};
        const compensation = declaredCompensation(call.name, parameters, tools);
        return compensation === undefined ? [] : [{ done, compensation, parameters }];
      }),
    ];
  });

const callOf = ({ done, compensation, parameters }: Undoable, call: string, tools: ToolCatalogue): Call => {
  const result = done.outcome.status === 'succeeded' ? done.outcome.result : undefined;
  return {
    tool: compensation,
    parameters: declaredParameters(compensation, parameters, result, tools),
    call,
    compensates: done.intent_id,
  };
};

const closingOf = (
  { stuck, skipped, done }: Undone,
  { error }: NonNullable<Snapshot['ending']>,
): Closing | undefined => {
  if (stuck.length > 0) return undoingStuck('calls', stuck, { intents: stuck }, error);
  if (!done) return undefined;
  const told = withNotUndone(error, skipped);
  return { status: 'compensated', ...(told === undefined ? {} : { error: told }) };
};
