import {
  approvalId,
  EVENT_NAMES,
  type HistoryEntry,
  messageId,
  type Outcome,
  type PendingIntent,
  resolutionId,
  type Snapshot,
  type StoredTimelineEntry,
  type Submission,
  type ToolCatalogue,
} from '#contracts';
import type { Brain, ThinkContext } from '../brain.js';
import { newSession } from '../core/create.js';
import type { IgnoreReason } from '../core/effects.js';
import type { ApprovalGiven, Input, Observation, ResolutionGiven, SealedIntent } from '../core/input.js';
import { readyConclusion, readyDecision } from '../interpreter/ready-call.js';
import { transition } from '../session.machine.js';

export interface PlayOptions {
  submission: Submission;
  brain: Brain;
  tools: ToolCatalogue;
  /** default 1_000_000 */
  now?: number;
  /** what the claim store answers when an intent is sealed; default: `sealed` */
  seal?: (intent: PendingIntent) => Omit<SealedIntent, 'intent_id'>;
}

export const PLAYED = 'sess-PLAY';

/** One session, driven through its machine and a real brain in memory: each observation is a step, each step is kept. */
export class SessionPlay {
  snapshot: Snapshot;
  now: number;
  readonly history: HistoryEntry[] = [];
  readonly timeline: StoredTimelineEntry[];
  /** every intent that was ever emitted, in order */
  readonly emitted: PendingIntent[] = [];
  /** every call that was ever held, in order */
  readonly heldEver: PendingIntent[] = [];
  readonly ignored: IgnoreReason[] = [];
  /** steps that were taken again */
  conflicts = 0;
  /** the keys of each read of the history; `all` for the whole */
  readonly reads: (readonly string[] | 'all')[] = [];

  constructor(private readonly options: PlayOptions) {
    this.now = options.now ?? 1_000_000;
    const { submission, brain } = options;
    const { deadline } = submission;
    const { snapshot, timeline } = newSession(PLAYED, {
      tenant: 'default',
      submission,
      brain: brain.name,
      trace_id: '0'.repeat(32),
      created_at: this.now,
      ...(deadline === undefined ? {} : { deadline_at: Date.parse(deadline) }),
    });
    this.snapshot = snapshot;
    this.timeline = timeline;
  }

  /** The first observation. */
  start(): Promise<'committed' | 'ignored'> {
    return this.observe({ type: 'session_created', id: `${PLAYED}.created` });
  }

  /** The outcome of a pending intent, found by its id or its call. */
  answer(name: string, outcome: Partial<Outcome> = {}): Promise<'committed' | 'ignored'> {
    const intent = this.emitted.find((i) => i.intent_id === name || i.call === name);
    if (intent === undefined) throw new Error(`nothing was emitted as ${name}`);
    const { intent_id, digest } = intent;
    return this.observe({
      type: 'tool_result',
      id: `${intent_id}.result`,
      intent_id,
      digest,
      outcome: outcomeOf(outcome),
    });
  }

  cancel(compensate = false): Promise<'committed' | 'ignored'> {
    return this.observe({ type: 'cancel', id: `${PLAYED}.cancel`, compensate });
  }

  /** A person settles an intent, found by its id or its call; the latest of that call. */
  resolve(name: string, given: Partial<ResolutionGiven> = {}): Promise<'committed' | 'ignored'> {
    const stuck = this.snapshot.stuck?.map((s) => s.intent).reverse() ?? [];
    const named = [...stuck, ...[...this.emitted].reverse()];
    const intent = named.find((i) => i.intent_id === name || i.call === name);
    if (intent === undefined) throw new Error(`nothing was emitted as ${name}`);
    return this.observe({
      type: 'resolution',
      id: resolutionId(intent.intent_id),
      intent_id: intent.intent_id,
      outcome: 'succeeded',
      by: 'ann',
      reason: 'looked',
      ...given,
    });
  }

  /** A person answers for a held call, found by its id or its call. */
  approve(name: string, given: Partial<ApprovalGiven> = {}): Promise<'committed' | 'ignored'> {
    const all = [...(this.snapshot.held ?? []), ...this.heldEver];
    const held = all.find((h) => h.intent_id === name || h.call === name);
    if (held === undefined) throw new Error(`nothing was held as ${name}`);
    return this.observe({
      type: 'approval',
      id: approvalId(held.intent_id),
      intent_id: held.intent_id,
      decision: 'approve',
      by: 'ann',
      digest: held.digest,
      ...given,
    });
  }

  /** What a person writes is accepted: it is in the inbox, and its record on its way. Returns its id. */
  accept(content: string): string {
    const { version, inbox = [] } = this.snapshot;
    const id = messageId(PLAYED, String(version + 1));
    const sent = {
      id,
      name: EVENT_NAMES.userMessage,
      at: this.now,
      version: version + 1,
      data: { content },
    };
    this.snapshot = { ...this.snapshot, version: version + 1, inbox: [...inbox, sent] };
    return id;
  }

  /** Accepted, and its record is there. */
  message(content: string): Promise<'committed' | 'ignored'> {
    return this.observe({ type: 'user_message', id: this.accept(content) });
  }

  /** A step that is overtaken by another write is taken again from what that wrote. */
  async observe(observation: Observation): Promise<'committed' | 'ignored'> {
    for (;;) {
      const end = await this.step(observation);
      if (end !== 'conflict') return end;
      this.conflicts++;
    }
  }

  private async step(observation: Observation): Promise<'committed' | 'ignored' | 'conflict'> {
    const { version } = this.snapshot;
    this.now = Math.max(this.now, this.snapshot.updated_at);
    let input: Input = { kind: 'observation', observation, thinksAfter: this.options.brain.thinksAfter };
    let current = this.snapshot;
    const history: HistoryEntry[] = [];
    const timeline: StoredTimelineEntry[] = [];
    for (;;) {
      const { snapshot, effects } = transition(current, input, this.now);
      current = snapshot;
      history.push(...effects.history);
      timeline.push(...effects.timeline);
      const { next } = effects;
      switch (next.kind) {
        case 'ignore':
          this.ignored.push(next.reason);
          return 'ignored';
        case 'commit':
          if (this.snapshot.version !== version) return 'conflict';
          this.keep(current, history, timeline);
          if (next.passedOver === undefined) return 'committed';
          this.ignored.push(next.passedOver);
          return 'ignored';
        case 'seal':
          input = { kind: 'sealed', answers: next.intents.map((i) => this.seal(i)) };
          break;
        case 'think':
        case 'conclude':
          input = await this.ask(next.kind, current, history, next.kind === 'think' && next.resumed === true);
      }
    }
  }

  private seal(intent: PendingIntent): SealedIntent {
    return { intent_id: intent.intent_id, ...(this.options.seal?.(intent) ?? { kind: 'sealed' }) };
  }

  private keep(snapshot: Snapshot, history: HistoryEntry[], timeline: StoredTimelineEntry[]): void {
    // as it comes back from a store
    this.snapshot = JSON.parse(JSON.stringify(snapshot)) as Snapshot;
    this.history.push(...history);
    this.timeline.push(...timeline);
    const known = new Set(this.emitted.map((i) => i.intent_id));
    this.emitted.push(...this.snapshot.pending.filter((i) => !known.has(i.intent_id)));
    const heldOnce = new Set(this.heldEver.map((i) => i.intent_id));
    this.heldEver.push(...(this.snapshot.held ?? []).filter((i) => !heldOnce.has(i.intent_id)));
  }

  private async ask(
    what: 'think' | 'conclude',
    snapshot: Snapshot,
    added: HistoryEntry[],
    resumed: boolean,
  ): Promise<Input> {
    const { brain, tools } = this.options;
    const context: ThinkContext = {
      snapshot,
      observed: added.filter((e) => e.kind === 'observation'),
      history: (keys) => Promise.resolve(this.read([...this.history, ...added], keys)),
      tools,
      signal: new AbortController().signal,
      now: this.now,
      resumed,
    };
    return what === 'think'
      ? { kind: 'decision', decision: readyDecision(await brain.think(context), tools, this.now) }
      : {
          kind: 'conclusion',
          conclusion: readyConclusion((await brain.conclude?.(context)) ?? { calls: [] }, tools, this.now),
        };
  }

  private read(entries: HistoryEntry[], keys?: readonly string[]): HistoryEntry[] {
    this.reads.push(keys ?? 'all');
    return keys === undefined ? entries : entries.filter((e) => keys.includes(e.key));
  }
}

/** A success unless it says otherwise. */
export const outcomeOf = (outcome: Partial<Outcome> = {}): Outcome => ({
  status: 'succeeded',
  result: null,
  error:
    outcome.status === undefined || outcome.status === 'succeeded'
      ? null
      : { code: 'tool_failed', message: 'as told', retryable: false },
  attempts: 1,
  started_at: '2026-01-27T10:00:00.000Z',
  duration_ms: 1,
  ...outcome,
});
