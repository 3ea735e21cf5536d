import type { ErrorData } from './errors.js';
import type { Json, JsonObject } from './json.js';
import type { Outcome } from './outcome.js';
import type { ApprovalDecision, ResolutionOutcome, SentName } from './people.js';
import type { StoredStatus, Submission, TerminalStatus, TimelineType, Usage } from './session.js';
import type { EffectClass } from './tools.js';
import type { TraceCarry } from './trace.js';

/** The version that this release writes into snapshots, claims, timeline entries and log records; it reads this and the one before. */
export const RECORD_VERSION = 1;

/**
 * The whole of a session between two steps: what is written once (`fixed`) and what a step rewrites (the rest).
 * The rest stays small and doesn't grow with the length of the session: results live in the history, messages in the timeline.
 * Times are milliseconds since the epoch, by the store's clock.
 */
export interface Snapshot {
  v: number;
  session_id: string;
  /** the compare-and-set's version: 1 when created, +1 with every commit */
  version: number;
  fixed: SessionFixed;
  status: StoredStatus;
  /** how often the brain decided; part of the intent ids of the latest decision */
  step: number;
  pending: PendingIntent[];
  /** calls that wait for a person's approval: no intents yet. Their deadlines count from it, as if emitted then */
  held?: PendingIntent[];
  outbox: Outbox;
  /** ids of the last 256 applied observations that are no tool results (those are told by `pending`) */
  applied: string[];
  /** what the brain keeps between two steps; small, opaque to everyone else */
  brain_state?: Json;
  /** set by a compare-and-set of its own before the cancel is published; a thinking Commander looks at it */
  cancel_requested?: CancelRequested;
  /** what people sent that no step has applied yet: it can be published again from here */
  inbox?: Sent[];
  /** what its brain has asked a person: the next message is the answer, and no think begins before it */
  question?: Question;
  /** ids of the messages in the history that no brain has been given yet */
  unread?: string[];
  /** nothing new is emitted any more; when nothing is pending, the session becomes this. Kept while a person is waited for */
  ending?: Ending;
  /** intents that only a person can settle: while there is one, nothing goes forward; when nothing is pending, it parks */
  stuck?: StuckIntent[];
  /** while it has dead letters the session is shown as `parked`; here is what it is without them */
  dead?: DeadEnd;
  result?: Json;
  error?: ErrorData;
  usage: Usage;
  /** seq of the latest timeline entry */
  timeline_seq: number;
  /** number of history entries */
  history_n: number;
  updated_at: number;
}

/** Written with the creation, never again. */
export interface SessionFixed {
  tenant: string;
  /** the body of the submission, as accepted */
  submission: Submission;
  /** the brain that decides: `plan`, `openai`, … */
  brain: string;
  /** SHA-256 of the body, when an Idempotency-Key bound it */
  body_digest?: string;
  trace_id: string;
  /** only where the caller's trace asks for it */
  trace?: TraceCarry;
  created_at: number;
  /** the session's deadline */
  deadline_at?: number;
  warnings?: string[];
}

/** A cancel that no step has applied yet. */
export interface CancelRequested {
  reason?: string;
  compensate: boolean;
  at: number;
  /** of the request and its Idempotency-Key, if it had one */
  request_digest?: string;
}

/** What the session ends as, and why. */
export interface Ending {
  status: TerminalStatus | 'parked';
  error?: ErrorData;
  /** undo what was done before it ends (a saga) */
  compensate: boolean;
}

/** Records of the session that are dead letters: nobody repeats them until a person does. */
export interface DeadEnd {
  letters: DeadRecord[];
  /** the status that the session goes on with */
  status: StoredStatus;
  error?: ErrorData;
}
export interface DeadRecord {
  /** id of the dead letter */
  id: string;
  reason: string;
  /** of the event in the record */
  event_id: string;
  /** the intent that waits for it */
  intent_id?: string;
}

/** An intent that was emitted and has no applied observation yet. Enough to publish it again, byte for byte. */
export interface PendingIntent {
  intent_id: string;
  tool: string;
  parameters: JsonObject;
  /** SHA-256 of tool and parameters: an intent that differs from it is not run */
  digest: string;
  effect: EffectClass;
  step: number;
  emitted_at: number;
  /** after it an outcome is no longer expected: the sweeper asks the claim, external tools are given up */
  deadline_at: number;
  /** served by a program of others, without claims of ours */
  external?: boolean;
  /** the brain's own name for the call: a plan's step id, an LLM's tool call id */
  call?: string;
  /** the intent that this one undoes */
  compensates?: string;
  /** compensatable by its class, and no compensation of it is known */
  bare?: boolean;
  /** what the effect of a plan's own `compensation` or a saga needs to know */
  on_compensation_failure?: 'park' | 'skip' | 'retry';
  /** published by the sweeper, not before this time (a compensation that is tried again); absent: with its step */
  not_before?: number;
  /** an external tool that may run twice: published again, under the same id, so often after so many ms without an answer */
  repeat?: { left: number; every_ms: number };
  /** the person who approved it; absent: nobody was asked */
  approved_by?: string;
}

/** An intent whose end doesn't tell how to go on. */
export interface StuckIntent {
  intent: PendingIntent;
  /** `unknown`; of a compensation also `failed` */
  outcome: Outcome;
}

/** A call by which a brain asks a person. */
export interface Question {
  /** the brain's own name for the call */
  call: string;
  content: string;
  at: number;
}

/** An observation that a person's request made: set down by a compare-and-set of its own before it is published. */
export interface Sent {
  /** of the event */
  id: string;
  name: SentName;
  at: number;
  /** of the snapshot that it was set down in first */
  version: number;
  /** of the event, without `session_id` and `version` */
  data: JsonObject;
}

/** The intents of the latest step, which may not have been published yet. */
export interface Outbox {
  /** what the step decided; rides in the first intent, or in a record of its own */
  commit: StepCommit | null;
  intent_ids: string[];
  /** true: all of it is known to be acknowledged by the log (may stay false until the next step) */
  out: boolean;
}

/**
 * `data.commit`: with it, and with the observations, the snapshots can be rebuilt from the log alone. The snapshot's
 * outbox keeps it without `result` and `error`, which the event takes from the snapshot itself.
 */
export interface StepCommit {
  v: number;
  step: number;
  version: number;
  /** id of the observation that the step applied */
  applied: string;
  /** when it was applied, ms by the store's clock */
  at: number;
  brain_message?: Json;
  usage?: Usage;
  status: StoredStatus;
  result?: Json;
  error?: ErrorData;
  /** taken up from the snapshot by this step, which didn't wait for its observation: that may never come into the log */
  cancel?: CancelRequested;
  /** the same of messages, in the order in which they were accepted */
  taken?: Sent[];
  /** what the step asked for and was told, in order */
  answers?: RecordedAnswer[];
}

/**
 * What a step was told, as much of it as no other record of the log tells: tool and parameters are in the intents, the
 * brain's first message and the session's result in the commit itself.
 */
export type RecordedAnswer = {
  /** ms; absent: at once */
  at?: number;
} & (
  | {
      kind: 'decision';
      calls?: RecordedCall[];
      /** calls that the brain answered itself */
      answered?: { tool: string; call: string; outcome: Outcome }[];
      /** a question to a person */
      ask?: { call: string; content: string };
      message?: Json;
      /** its message is the commit's `brain_message` */
      said?: true;
      finish?: { kind: 'completed'; error?: ErrorData } | { kind: 'failed' | 'parked'; error: ErrorData };
      brain_state?: Json;
      usage?: { input_tokens: number; output_tokens: number };
    }
  | {
      kind: 'conclusion';
      calls?: RecordedCall[];
      /** compensations that couldn't be called */
      unmade?: { call: RecordedCall; outcome: Outcome }[];
      brain_state?: Json;
      closing?: { status: 'failed' | 'cancelled' | 'compensated' | 'parked'; error?: ErrorData };
    }
  | {
      kind: 'sealed';
      answers: { intent_id: string; kind: 'sealed' | 'started' | 'recorded'; outcome?: Outcome }[];
    }
  | { kind: 'think_failed'; error: ErrorData }
);

/** What an intent's own event doesn't say of a call; see {@link PendingIntent} for the fields. */
export interface RecordedCall {
  call?: string;
  on_compensation_failure?: 'park' | 'skip' | 'retry';
  external?: boolean;
  repeat?: { left: number; every_ms: number };
  /** beside `repeat`: the intent's later events have later ones */
  deadline_at?: number;
  bare?: boolean;
  held?: boolean;
  /** of a call that is published later, or never: all of it, since its event may not be in the log yet */
  later?: {
    not_before?: number;
    tool: string;
    parameters: JsonObject;
    effect: EffectClass;
    deadline_at: number;
    compensates?: string;
  };
}

/** What the brain reads of its own session, in order of `n`. `key` is unique within the session. */
export type HistoryEntry = { v: number; key: string; n: number } &
  /** `answers`: the call by which the brain asked for it */
  (
    | { kind: 'message'; content: string; answers?: string }
    | { kind: 'brain'; content: Json }
    | { kind: 'observation'; intent_id: string; tool: string; call?: string; outcome: Outcome }
    | ({ kind: 'resolution' } & Resolution)
    | ({ kind: 'approval' } & Approval)
  );

/** How a person settled an intent. Kept under `resolution:<intent id>`; no brain reads it. */
export interface Resolution {
  intent_id: string;
  outcome: ResolutionOutcome;
  by: string;
  reason: string;
  request_digest?: string;
}

/** How a person answered for a held call. Kept under `approval:<intent id>`; no brain reads it. */
export interface Approval {
  intent_id: string;
  decision: ApprovalDecision;
  by: string;
  reason?: string;
  /** of the tool and the parameters that were answered for */
  digest: string;
  request_digest?: string;
  /** it came when nobody waited for it any more */
  refused?: 'not_awaited';
}

/** A timeline entry as it is stored: a payload that the history holds already is referred to, not copied. */
export interface StoredTimelineEntry {
  v: number;
  seq: number;
  /** milliseconds since the epoch */
  at: number;
  type: TimelineType;
  payload: JsonObject;
  /** key of the history entry whose outcome or content joins the payload when it is read */
  history_key?: string;
}
