import {
  type CloudEvent,
  EVENT_NAMES,
  type EventName,
  isSent,
  resultId,
  type Sent,
  sentOf,
  type StepCommit,
  type StepCommittedData,
  type ToolCallData,
} from '#contracts';
import { type Observation, readObservation } from '#commander';
import { DeadLetterError } from '#transport';

/** What telling our events from others needs. */
export interface LogRules {
  typePrefix: string;
  deployment: string;
  /** of results that others send; bytes of JSON */
  resultLimitBytes: number;
}

/** An event whose payload lay in the store and is lost with it. */
export const isLost = ({ data, dataref }: CloudEvent): boolean => data === undefined && dataref !== undefined;

/** All that both topics say of one session, looked up as the fold needs it. The order within a topic counts. */
export class SessionLog {
  /** the first observation; its data is missing when it is lost */
  created: CloudEvent | undefined;
  /** by the id under which it is applied; of copies the first, which is the one that was applied */
  readonly observations = new Map<string, { observation: Observation; event: CloudEvent }>();
  /** by id; of copies the last: after a rebuild a step may have been taken anew */
  readonly intents = new Map<string, CloudEvent<ToolCallData>>();
  /** by version; of copies the last */
  readonly commits = new Map<number, StepCommit>();
  /** what people sent, by the version of the snapshot that it was set down in */
  readonly sent = new Map<number, Sent>();
  /** what people sent whose content is lost, by id */
  readonly lostSent = new Map<string, CloudEvent>();
  /** a cancel that a step took up from the snapshot; its observation may be missing */
  cancel: StepCommit['cancel'];
  /** intents of ours that have an observation whose content is known */
  readonly answered = new Set<string>();
  /** records of topic A whose content is lost: each may have held a commit */
  readonly lost = new Map<string, CloudEvent>();

  constructor(
    readonly sessionId: string,
    private readonly rules: LogRules,
  ) {}

  /** Takes an event of either topic. What is no event of the protocol was a dead letter and is left out. */
  add(event: CloudEvent): void {
    const { typePrefix, deployment } = this.rules;
    if (!event.type.startsWith(`${typePrefix}.`)) return;
    const name = event.type.slice(typePrefix.length + 1) as EventName;
    const ours = event.deploymentid === deployment;
    switch (name) {
      case EVENT_NAMES.toolCall:
        if (ours) this.addIntent(event as CloudEvent<ToolCallData>);
        return;
      case EVENT_NAMES.stepCommitted:
        if (ours) this.addCommit(event as CloudEvent<StepCommittedData>);
        return;
      default:
        if (name === EVENT_NAMES.sessionCreated && ours) this.created ??= event;
        this.addObservation(name, event, ours);
    }
  }

  private addIntent(event: CloudEvent<ToolCallData>): void {
    this.intents.set(event.id, event);
    this.addCommit(event);
  }

  private addCommit(event: CloudEvent<{ commit?: StepCommit }>): void {
    if (isLost(event)) this.lost.set(event.id, event);
    const commit = event.data?.commit;
    if (commit === undefined) return;
    this.commits.set(commit.version, commit);
    this.cancel ??= commit.cancel;
    for (const sent of commit.taken ?? []) this.sent.set(sent.version, sent);
  }

  private addObservation(name: EventName, event: CloudEvent, ours: boolean): void {
    if (ours && isLost(event) && isSent(name)) this.lostSent.set(event.id, event);
    const observation = isLost(event) ? lostObservation(name, event, ours) : this.read(name, event);
    if (observation === undefined || this.observations.has(observation.id)) return;
    this.observations.set(observation.id, { observation, event });
    const sent = ours ? sentOf(name, event) : undefined;
    if (sent !== undefined) this.sent.set(sent.version, sent);
    if (observation.type === 'tool_result' && observation.intent_id !== undefined && !isLost(event))
      this.answered.add(observation.intent_id);
  }

  private read(name: EventName, event: CloudEvent): Observation | undefined {
    try {
      return readObservation(name, event, this.rules);
    } catch (error) {
      if (DeadLetterError.is(error)) return undefined;
      throw error;
    }
  }
}

const RESULT = resultId('');

/**
 * What can still be said of an observation whose payload is lost. Only payloads above `DORMOUSE_INLINE_LIMIT` lay in the
 * store, and beside what people sent only results of tools that succeeded are as large.
 */
const lostObservation = (name: EventName, event: CloudEvent, ours: boolean): Observation | undefined => {
  const id = ours ? event.id : `${event.source} ${event.id}`;
  if (name === EVENT_NAMES.sessionCreated) return { type: 'session_created', id };
  if (name !== EVENT_NAMES.toolResult || !event.id.endsWith(RESULT)) return undefined;
  return {
    type: 'tool_result',
    id,
    intent_id: event.id.slice(0, -RESULT.length),
    outcome: {
      status: 'succeeded',
      result: { lost: event.dataref ?? '' },
      error: null,
      attempts: 1,
      started_at: event.time ?? '',
      duration_ms: 0,
    },
  };
};
