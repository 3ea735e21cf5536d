import type { DeadLetter, JsonObject, ResolutionRequest, Snapshot, StuckIntent } from '#contracts';
import type { Ledger } from '../world/ledger.js';
import { type Outside, Somebody, TENANT, UNTIL_IT_IS_THERE } from './somebody.js';

/** What somebody does who looks after parked sessions. Times: ms after it is there to be seen. */
export interface Habits {
  /** `again`: has what wasn't done run once more; a second person has the same answer at the same time */
  settles?: { afterMs: number; again: boolean; twoPeople: boolean };
  /** what a session asks */
  answers?: { afterMs: number };
  redrives?: { afterMs: number; all: boolean };
}

/** What was run again so often is given up. */
const MOST_RETRIES = 2;
const SURE: JsonObject = { acts: [{ ms: 10, ends: 'ok', does: 5 }] };

/**
 * An operator: settles what is stuck, truly, since he looks at what was really done; has dead letters published again.
 */
export class Person extends Somebody {
  private readonly seen = new Set<string>();
  private retries = 0;
  /** all letters are going to be looked through */
  private sweeping = false;

  constructor(
    world: Outside,
    private readonly ledger: Ledger,
    private readonly habits: Habits,
    private readonly serverNow: () => number,
  ) {
    super(world);
  }

  /** A session was written. */
  sees(snapshot: Snapshot): void {
    this.hears(snapshot);
    const { session_id, stuck = [], dead, status } = snapshot;
    const { settles } = this.habits;
    if (settles === undefined || status !== 'parked' || dead !== undefined) return;
    for (const each of stuck) {
      const { intent_id, deadline_at } = each.intent;
      if (this.seen.has(intent_id)) continue;
      this.seen.add(intent_id);
      // what may still be at it is left alone
      const inMs = Math.max(0, deadline_at - this.serverNow()) + settles.afterMs;
      this.later(inMs, () => {
        const request = this.answerTo(each, settles.again);
        this.settle(session_id, intent_id, request);
        if (settles.twoPeople) this.settle(session_id, intent_id, { ...request, by: 'bob' });
      });
    }
  }

  private hears({ session_id, question }: Snapshot): void {
    const { answers } = this.habits;
    if (answers === undefined || question === undefined) return;
    const name = `answer to ${question.call}`;
    if (this.seen.has(session_id + name)) return;
    this.seen.add(session_id + name);
    this.later(answers.afterMs, () => this.write(session_id, name, UNTIL_IT_IS_THERE));
  }

  /** A dead letter was put there. */
  finds({ id, session_id, ours, topic }: DeadLetter): void {
    const { redrives } = this.habits;
    if (redrives === undefined || !ours || session_id === undefined) return;
    const order = { by: 'ann', reason: 'the release is complete' };
    if (redrives.all && this.sweeping) return;
    this.sweeping = redrives.all;
    this.later(redrives.afterMs, () => {
      this.sweeping = false;
      this.insist(`redrive ${id}`, async ({ deadLetters }) => {
        if (redrives.all) await deadLetters.redriveAll({ tenant: TENANT, topic }, order);
        else await deadLetters.redrive(id, TENANT, order);
      });
    });
  }

  private answerTo({ intent }: StuckIntent, again: boolean): ResolutionRequest {
    const why = { by: 'ann', reason: 'looked at what was done' };
    if (this.ledger.countOf(intent.intent_id) > 0) return { outcome: 'succeeded', result: { v: 1 }, ...why };
    if (!again || this.retries >= MOST_RETRIES) return { outcome: 'failed', ...why };
    this.retries++;
    return { outcome: 'retry', parameters: { ...intent.parameters, ...SURE }, ...why };
  }

  private settle(sessionId: string, intentId: string, request: ResolutionRequest): void {
    this.insist(`settle ${intentId}`, async ({ inbox }) => {
      await inbox.resolve(sessionId, intentId, request, { tenant: TENANT });
      this.world.trace?.add('client', `${request.by} settles ${intentId}: ${request.outcome}`);
    });
  }
}
