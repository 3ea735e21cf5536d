import type { EffectClass, ErrorData, Json, JsonObject, Outcome } from '#contracts';

/** A call that the brain answers itself, without running anything: an unknown tool, arguments that can't be parsed. */
export interface AnsweredCall {
  tool: string;
  call: string;
  outcome: Outcome;
}

/** A call by which a brain asks a person: it isn't run, the next message answers it. */
export interface AskedCall {
  call: string;
  content: string;
}

/** How a brain ends its session. `failed` of a saga is undone first. */
export type Finish =
  /** `error`: a remark on a result that couldn't be kept */
  | { kind: 'completed'; result: Json; error?: ErrorData }
  | { kind: 'failed'; error: ErrorData; result?: Json }
  /** waits for a person: an unknown outcome that nobody may guess */
  | { kind: 'parked'; error: ErrorData };

/** A call that is ready to be emitted: what the interpreter adds to a brain's call from the tool catalogue. */
export interface ReadyCall {
  tool: string;
  parameters: JsonObject;
  call?: string;
  compensates?: string;
  on_compensation_failure?: 'park' | 'skip' | 'retry';
  /** of tool and parameters */
  digest: string;
  effect: EffectClass;
  /** ms since the epoch; see {@link PendingIntent.deadline_at} */
  deadline_at: number;
  external?: boolean;
  repeat?: { left: number; every_ms: number };
  not_before?: number;
  bare?: boolean;
  /** it waits for a person's approval */
  held?: boolean;
}

/** What a brain decided, its calls made ready. */
export interface ReadyDecision {
  calls: ReadyCall[];
  answered?: AnsweredCall[];
  ask?: AskedCall;
  message?: Json;
  finish?: Finish;
  brain_state?: Json;
  usage?: { input_tokens: number; output_tokens: number };
}

/** What a session leaves behind when it ends otherwise than by its brain's own decision; see `Brain.conclude`. */
export interface Closing {
  status: 'failed' | 'cancelled' | 'compensated' | 'parked';
  error?: ErrorData;
  result?: Json;
}

/** A compensation that can't be called: its parameters refer to what isn't there. `outcome` says so. */
export interface UnmadeCall<C> {
  call: C;
  outcome: Outcome;
}

/** The calls undo something (`compensates` is set on each); without `closing` more is to come. */
export interface ReadyConclusion {
  calls: ReadyCall[];
  unmade?: UnmadeCall<ReadyCall>[];
  brain_state?: Json;
  closing?: Closing;
}
