import type {
  ApprovalDecision,
  EffectClass,
  ErrorData,
  Json,
  JsonObject,
  Outcome,
  ResolutionOutcome,
} from '#contracts';
import type { ReadyConclusion, ReadyDecision } from './decision.js';

/** Fields that every observation has. */
interface Observed {
  /** the event's id; of a foreign event its source and id together. Applied once */
  id: string;
}

/** A person settles an intent. */
export interface ResolutionGiven {
  intent_id: string;
  outcome: ResolutionOutcome;
  /** with `succeeded`; default null */
  result?: Json;
  /** with `retry`: instead of the intent's own; then with `digest`, and `effect` unless the call's stays */
  parameters?: JsonObject;
  digest?: string;
  effect?: EffectClass;
  /** a person has to approve the call with these parameters */
  held?: boolean;
  by: string;
  reason: string;
  request_digest?: string;
}

/** A person answers for a call that is held. */
export interface ApprovalGiven {
  intent_id: string;
  decision: ApprovalDecision;
  by: string;
  reason?: string;
  /** of the tool and the parameters that the person saw */
  digest: string;
  request_digest?: string;
}

/** What can happen to a session from outside. */
export type Observation = Observed &
  (
    | { type: 'session_created' }
    | { type: 'tool_result'; intent_id?: string; tool?: string; digest?: string; outcome: Outcome }
    | { type: 'cancel'; reason?: string; compensate: boolean; request_digest?: string }
    /** `deadline` (the session's) or `intent:<intent id>` (of an external tool) */
    | { type: 'timer'; timer_id: string }
    /** a record of the session is a dead letter; `intent_id`: of the intent that waits for it */
    | {
        type: 'dead_letter';
        dead_letter: string;
        reason: string;
        error: string;
        event_id: string;
        intent_id?: string;
      }
    /** that dead letter was published again; `event_id`: of an answer of which it couldn't be told whose it is */
    | { type: 'redriven'; dead_letter: string; by: string; reason?: string; event_id?: string }
    | ({ type: 'resolution' } & ResolutionGiven)
    | ({ type: 'approval' } & ApprovalGiven)
    /** its content is in the snapshot's inbox */
    | { type: 'user_message' }
  );

/** The claim store's answer to the sealing of one intent. */
export interface SealedIntent {
  intent_id: string;
  /** `sealed`: never runs. `started`: may be running, is signalled. `recorded`: had ended already, with `outcome` */
  kind: 'sealed' | 'started' | 'recorded';
  outcome?: Outcome;
}

/** The first input of a step is an observation; the others answer what the transition before asked for. */
export type Input =
  | { kind: 'observation'; observation: Observation; thinksAfter: 'each' | 'all' }
  | { kind: 'sealed'; answers: readonly SealedIntent[] }
  | { kind: 'decision'; decision: ReadyDecision }
  | { kind: 'think_failed'; error: ErrorData }
  | { kind: 'conclusion'; conclusion: ReadyConclusion };
