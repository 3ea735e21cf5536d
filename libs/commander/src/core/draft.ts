import {
  type Approval,
  type DeadRecord,
  type ErrorData,
  EVENT_NAMES,
  isTerminal,
  type HistoryEntry,
  type Json,
  type JsonObject,
  type Outcome,
  type PendingIntent,
  RECORD_VERSION,
  type Resolution,
  type Sent,
  type Snapshot,
  type StepCommit,
  type StoredStatus,
  type StoredTimelineEntry,
  type StuckIntent,
  type TimelineType,
} from '#contracts';
import type { IgnoreReason, Next, Transition } from './effects.js';
import { deadError, isAbout } from './dead-records.js';
import { nextWake } from './next-wake.js';

/** An answer to an intent, as the history tells it. */
export interface Answer {
  intent_id: string;
  tool: string;
  call?: string;
  outcome: Outcome;
  /** default: {@link historyKey} */
  key?: string;
}

/** Whether a person wrote it to the session: taken up in the order of acceptance, whichever observation comes first. */
export const isMessage = ({ name }: Sent): boolean => name === EVENT_NAMES.userMessage;

const isWaiting = (status: StoredStatus): boolean =>
  status === 'waiting_tool' || status === 'waiting_approval';

const orNone = <T>(list: readonly T[]): T[] | undefined => (list.length === 0 ? undefined : [...list]);

/** Key of an answer in the history: a plan's calls name it themselves. */
export const historyKey = (intentId: string, call: string | undefined): string =>
  call !== undefined && (call.startsWith('step:') || call.startsWith('undo:')) ? call : `result:${intentId}`;

/**
 * The next snapshot while it is being made: a shallow copy whose fields are replaced, never changed in place, so that
 * the snapshot before stays as it was and shares what didn't change.
 */
export class Draft {
  readonly snapshot: Snapshot;
  private readonly history: HistoryEntry[] = [];
  private readonly timeline: StoredTimelineEntry[] = [];
  private readonly forgotten: PendingIntent[] = [];

  private constructor(
    snapshot: Snapshot,
    readonly now: number,
  ) {
    this.snapshot = snapshot;
  }

  /** The first transition of a step, which applies the observation with this id: a new version with an empty outbox. */
  static open(before: Snapshot, applied: string, now: number): Draft {
    const { step, status, usage } = before;
    const version = before.version + 1;
    const commit: StepCommit = { v: RECORD_VERSION, step, version, applied, at: now, status, usage };
    const draft = new Draft(
      { ...before, version, outbox: { commit, intent_ids: [], out: false }, updated_at: now },
      now,
    );
    if (before.inbox !== undefined)
      draft.snapshot.inbox = orNone(before.inbox.filter((s) => s.id !== applied || isMessage(s)));
    return draft;
  }

  /** A later transition of the same step. */
  static goOn(before: Snapshot, now: number): Draft {
    return new Draft({ ...before, updated_at: now }, now);
  }

  /** Remembers the id of an observation that no pending intent tells about; the last 256. */
  markApplied(id: string): void {
    this.snapshot.applied = [...this.snapshot.applied.slice(-255), id];
  }

  setStatus(status: StoredStatus, error?: ErrorData): void {
    if (this.snapshot.status === status) return;
    this.snapshot.status = status;
    if (this.snapshot.dead !== undefined) {
      // shown as parked until its dead letters are gone
      if (!isTerminal(status)) return;
      this.snapshot.dead = undefined;
    }
    this.tell('status', { status, ...(error === undefined ? {} : { error: { ...error } }) });
  }

  tell(type: TimelineType, payload: JsonObject, history_key?: string): void {
    const seq = ++this.snapshot.timeline_seq;
    this.timeline.push({
      v: RECORD_VERSION,
      seq,
      at: this.now,
      type,
      payload,
      ...(history_key === undefined ? {} : { history_key }),
    });
  }

  /** The user's words. @param answers the call by which the brain asked for them */
  addMessage(key: string, content: string, answers?: string): void {
    const to: { answers?: string } = answers === undefined ? {} : { answers };
    const n = ++this.snapshot.history_n;
    this.history.push({ v: RECORD_VERSION, key, n, kind: 'message', content, ...to });
    this.tell('message', { role: 'user', ...(answers === undefined ? {} : { answers }) }, key);
  }

  /** From now on the session waits for a message. */
  addQuestion(call: string, content: string): void {
    this.snapshot.question = { call, content, at: this.now };
    this.tell('message', { role: 'assistant', call, content });
  }

  /** All messages of the inbox, which are in it no more. */
  takeMessages(): Sent[] {
    const { inbox = [], outbox } = this.snapshot;
    const messages = inbox.filter(isMessage);
    if (messages.length === 0) return [];
    this.snapshot.inbox = orNone(inbox.filter((sent) => !isMessage(sent)));
    const early = messages.filter(({ id }) => id !== outbox.commit?.applied);
    // the log learns of them with this step; they themselves may never reach it
    if (early.length > 0) this.changeCommit({ taken: [...(outbox.commit?.taken ?? []), ...early] });
    this.dropDead((letter) => messages.some(({ id }) => id === letter.event_id));
    return messages;
  }

  /** The brain's turn. The event of the step carries the first as `brain_message`, others among its answers. */
  addTurn(content: Json): void {
    const key = `brain:${this.snapshot.step}`;
    const entry: HistoryEntry = {
      v: RECORD_VERSION,
      key,
      n: ++this.snapshot.history_n,
      kind: 'brain',
      content,
    };
    this.history.push(entry);
    this.tell('decision', { step: this.snapshot.step }, key);
    if (this.snapshot.outbox.commit?.brain_message === undefined)
      this.changeCommit({ brain_message: content });
  }

  /** Keeps an answer in history and timeline. */
  addAnswer({ intent_id, tool, call, outcome, key = historyKey(intent_id, call) }: Answer): void {
    const named: { call?: string } = call === undefined ? {} : { call };
    const entry: HistoryEntry = {
      v: RECORD_VERSION,
      key,
      n: ++this.snapshot.history_n,
      kind: 'observation',
      intent_id,
      tool,
      ...named,
      outcome,
    };
    this.history.push(entry);
    this.tell('observation', { intent_id, tool_name: tool, ...(call === undefined ? {} : { call }) }, key);
  }

  /** How a person settled an intent: kept for whoever asks who answered, told in the timeline. */
  addResolution(resolution: Resolution): void {
    const { intent_id, outcome, by, reason } = resolution;
    const key = `resolution:${intent_id}`;
    this.history.push({
      v: RECORD_VERSION,
      key,
      n: ++this.snapshot.history_n,
      kind: 'resolution',
      ...resolution,
    });
    this.tell('observation', { type: 'resolution', intent_id, outcome, by, reason });
  }

  /** How a person answered for a held call: kept for whoever asks who answered, told in the timeline. */
  addApproval(approval: Approval): void {
    const { intent_id, decision, by, reason, digest, refused } = approval;
    const key = `approval:${intent_id}`;
    this.history.push({
      v: RECORD_VERSION,
      key,
      n: ++this.snapshot.history_n,
      kind: 'approval',
      ...approval,
    });
    this.tell('observation', {
      type: 'approval',
      intent_id,
      decision,
      by,
      ...(reason === undefined ? {} : { reason }),
      digest,
      ...(refused === undefined ? {} : { refused }),
    });
  }

  /** Only a person can settle it. Its outcome is told; the history gets the one that settles it. */
  addStuck(stuck: StuckIntent): void {
    this.snapshot.stuck = [...(this.snapshot.stuck ?? []), stuck];
  }

  removeStuck({ intent }: StuckIntent): void {
    const { stuck = [] } = this.snapshot;
    this.snapshot.stuck = orNone(stuck.filter((s) => s.intent.intent_id !== intent.intent_id));
  }

  /**
   * A person has spoken: what the session stood still for isn't its error any more.
   *
   * @param told whether the timeline tells that it goes on; else what it becomes is told when that is known
   */
  leaveParked(told: boolean): void {
    const { snapshot } = this;
    if (snapshot.status !== 'parked') return;
    snapshot.error = undefined;
    snapshot.result = undefined;
    if (told) this.wait();
    else snapshot.status = 'waiting_tool';
  }

  /** The session waits: for tools, or for nobody but people. */
  wait(): void {
    const { pending, held, question } = this.snapshot;
    if (pending.length > 0) this.setStatus('waiting_tool');
    else if (held !== undefined) this.setStatus('waiting_approval');
    else this.setStatus(question === undefined ? 'waiting_tool' : 'waiting_input');
  }

  /** They wait for a person, and nobody runs them. */
  addHeld(intents: readonly PendingIntent[]): void {
    if (intents.length > 0) this.snapshot.held = [...(this.snapshot.held ?? []), ...intents];
  }

  removeHeld({ intent_id }: PendingIntent): void {
    this.snapshot.held = orNone((this.snapshot.held ?? []).filter((h) => h.intent_id !== intent_id));
  }

  addPending(intents: readonly PendingIntent[]): void {
    this.snapshot.pending = [...this.snapshot.pending, ...intents];
  }

  replacePending(intent: PendingIntent): void {
    this.snapshot.pending = this.snapshot.pending.map((p) => (p.intent_id === intent.intent_id ? intent : p));
  }

  /** An intent has its answer: it is pending no more and its claim has served. */
  removePending(intent: PendingIntent): void {
    this.snapshot.pending = this.snapshot.pending.filter((p) => p.intent_id !== intent.intent_id);
    this.forgotten.push(intent);
    this.dropDead((letter) => isAbout(letter, intent.intent_id));
  }

  /** From now on the session is shown as parked, whatever it does. */
  addDead(letter: DeadRecord): void {
    const { dead, status, error } = this.snapshot;
    const letters = [...(dead?.letters ?? []), letter];
    this.snapshot.dead = { letters, status, ...(error === undefined ? {} : { error }) };
    if (dead === undefined) this.tell('status', { status: 'parked', error: { ...deadError(letters) } });
  }

  /** Without any left the session shows what it is. */
  dropDead(isGone: (letter: DeadRecord) => boolean): void {
    const { dead, status } = this.snapshot;
    const letters = dead?.letters.filter((letter) => !isGone(letter)) ?? [];
    if (dead === undefined || letters.length === dead.letters.length) return;
    this.snapshot.dead = letters.length === 0 ? undefined : { ...dead, letters };
    if (letters.length === 0) this.tell('status', { status });
  }

  /** These go to the log with this step. */
  publish(intentIds: readonly string[]): void {
    const { outbox } = this.snapshot;
    this.snapshot.outbox = { ...outbox, intent_ids: [...outbox.intent_ids, ...intentIds] };
  }

  /** The log learns of a cancel with this step; the cancel itself may never reach it. */
  recordCancel(order: NonNullable<StepCommit['cancel']>): void {
    this.changeCommit({ cancel: order });
  }

  /** Ends the step. @param passedOver why it changes nothing but that its observation can't apply any more */
  commit(passedOver?: IgnoreReason): Transition {
    if (isWaiting(this.snapshot.status) && this.snapshot.ending === undefined) this.wait();
    const { dead, status: own, error } = this.snapshot;
    if (dead !== undefined) {
      const { letters } = dead;
      this.snapshot.dead = { letters, status: own, ...(error === undefined ? {} : { error }) };
      this.snapshot.status = 'parked';
      this.snapshot.error = deadError(letters);
    }
    const { step, status, usage } = this.snapshot;
    this.changeCommit({ step, status, usage });
    return this.ask({
      kind: 'commit',
      wakeAt: nextWake(this.snapshot, this.now),
      ...(passedOver === undefined ? {} : { passedOver }),
    });
  }

  /** The step goes on with what is asked here. */
  ask(next: Next): Transition {
    return {
      snapshot: this.snapshot,
      effects: { history: this.history, timeline: this.timeline, forget: this.forgotten, next },
    };
  }

  private changeCommit(change: Partial<StepCommit>): void {
    const { commit } = this.snapshot.outbox;
    if (commit !== null) this.snapshot.outbox = { ...this.snapshot.outbox, commit: { ...commit, ...change } };
  }
}
