import type {
  HistoryEntry,
  Json,
  JsonObject,
  Outcome,
  Snapshot,
  Submission,
  ToolCatalogue,
} from '#contracts';
import type { AnsweredCall, AskedCall, Closing, Finish, UnmadeCall } from './core/decision.js';

export type { AnsweredCall, AskedCall, Closing, Finish, UnmadeCall };

/** A tool call that a brain wants made. */
export interface Call {
  tool: string;
  parameters: JsonObject;
  /** the brain's own name for it (a plan's step id, an LLM's tool call id); comes back with the observation */
  call?: string;
  /** the intent that it undoes */
  compensates?: string;
  on_compensation_failure?: 'park' | 'skip' | 'retry';
  /** overrides the tool's effect class (a plan step with its own `compensation` is compensatable) */
  effect?: 'compensatable';
  /** held until a person approves it, whatever its tool says */
  approval?: true;
  /** emitted now, published so much later (a compensation that is tried again) */
  delayMs?: number;
}

/**
 * What a brain decided. With `calls` the session waits for them, with `ask` for a person's message (of a plan: never);
 * with `answered` alone it thinks again at once; with `finish` it ends when nothing is pending.
 */
export interface Decision {
  calls: Call[];
  answered?: AnsweredCall[];
  ask?: AskedCall;
  /** kept in the history as a `brain` entry and given back at the next think */
  message?: Json;
  finish?: Finish;
  brain_state?: Json;
  usage?: { input_tokens: number; output_tokens: number };
}

/** What a brain has to say when its session is ending and nothing but compensations may be emitted any more. */
export interface Conclusion {
  /** undo something: `compensates` is set on each. Only when `snapshot.ending.compensate` says so */
  calls: Call[];
  /** what should be called and can't be: a person looks */
  unmade?: UnmadeCall<Call>[];
  brain_state?: Json;
  /** how the session ends once nothing is pending; absent: as `snapshot.ending` says */
  closing?: Closing;
}

export interface ThinkContext {
  /** with the observation applied already */
  snapshot: Snapshot;
  /** ids and outcomes that this step applied; the history read includes them */
  observed: readonly { intent_id: string; tool: string; call?: string; outcome: Outcome }[];
  /** a person was waited for: outcomes were applied in earlier steps without asking the brain */
  resumed: boolean;
  /** all of it in order, or those with these keys; `read` includes what this step adds */
  history(keys?: readonly string[]): Promise<HistoryEntry[]>;
  tools: ToolCatalogue;
  /** aborted when a cancel was requested, or the process stops */
  signal: AbortSignal;
  /** store's clock, ms */
  now: number;
}

/**
 * What decides. Stateless: everything it knows is in the context, so any instance can take the next step.
 *
 * Errors: a {@link DormouseError} with `retryable: true` is thought again later (the observation isn't acknowledged);
 * any other ends the session `failed`.
 */
export interface Brain {
  readonly name: string;
  /**
   * `each`: decides on every observation (a plan: its branches go on independently).
   * `all`: decides when nothing is pending (an LLM needs every result of its parallel calls).
   */
  readonly thinksAfter: 'each' | 'all';
  /**
   * A decision costs next to nothing, so it may be asked for on a snapshot that another process may have gone beyond:
   * when the commit is refused, it is asked again. Default: false, each think begins with what the store holds.
   */
  readonly cheap?: boolean;
  /**
   * Undefined when a session of this submission can be thought about; else what to set, for a 422 `no_brain`. Without a
   * submission: whether any can.
   */
  unavailable(submission?: Submission): string | undefined;
  think(context: ThinkContext): Decision | Promise<Decision>;
  /**
   * Asked when the session is ending (`snapshot.ending`) and nothing is pending, and after every compensation: what to
   * undo next, what the session leaves behind. A brain without it undoes nothing.
   */
  conclude?(context: ThinkContext): Conclusion | Promise<Conclusion>;
}
