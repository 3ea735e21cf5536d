import type { ApprovalDecision, ApprovalRequest, Snapshot } from '#contracts';
import { type Api, type Outside, Somebody, TENANT, UNTIL_IT_IS_THERE } from './somebody.js';

/** An answer that somebody gave for a held call. */
export interface AnswerGiven {
  sessionId: string;
  intentId: string;
  decision: ApprovalDecision;
  by: string;
  /** he saw another call than the one that is held */
  mistaken: boolean;
  /** a 202 reached him */
  accepted: boolean;
}

const REJECTS = 0.25;
/** A second person answers too, and thinks otherwise as often as not. */
const TWO_PEOPLE = 0.35;
const MISTAKEN = 0.2;
const SOON = 0.6;
const SOON_MS = 500;
const LATE_MS = 20_000;
const LOOKS_AGAIN_MS = 60_000;

/**
 * People who are asked about held calls: each is answered by one of them at least, at any time, in any order; by several
 * with different opinions, and by some who saw another call.
 */
export class Approver extends Somebody {
  readonly answers: AnswerGiven[] = [];
  private readonly seen = new Set<string>();

  /** @param looksAgain whether what was accepted is looked after: a store may forget it */
  constructor(
    world: Outside,
    private readonly looksAgain: boolean,
  ) {
    super(world);
  }

  /** A session was written. */
  sees({ session_id, held = [] }: Snapshot): void {
    for (const { intent_id, digest } of held) {
      if (this.seen.has(intent_id)) continue;
      this.seen.add(intent_id);
      this.consider(session_id, intent_id, digest);
    }
  }

  private consider(sessionId: string, intentId: string, digest: string): void {
    const { random } = this.world;
    const decision = this.opinion();
    if (random.chance(MISTAKEN))
      this.answerLater(sessionId, intentId, { decision: 'approve', by: 'eve', digest: `not ${digest}` });
    this.answerLater(sessionId, intentId, { decision, by: 'ann', digest });
    if (random.chance(TWO_PEOPLE))
      this.answerLater(sessionId, intentId, { decision: this.opinion(), by: 'bob' });
    if (this.looksAgain) this.lookAgain(sessionId, intentId, { decision, by: 'ann', digest });
  }

  private opinion(): ApprovalDecision {
    return this.world.random.chance(REJECTS) ? 'reject' : 'approve';
  }

  private answerLater(sessionId: string, intentId: string, request: ApprovalRequest): void {
    const { random } = this.world;
    const inMs = random.chance(SOON) ? random.int(0, SOON_MS) : random.int(SOON_MS, LATE_MS);
    this.later(inMs, () => {
      this.answer(sessionId, intentId, request);
    });
  }

  private answer(sessionId: string, intentId: string, request: ApprovalRequest): void {
    const { decision, by } = request;
    const given: AnswerGiven = {
      sessionId,
      intentId,
      decision,
      by,
      mistaken: by === 'eve',
      accepted: false,
    };
    this.answers.push(given);
    const call = async ({ inbox }: Api): Promise<void> => {
      // who isn't answered asks again, and is known by it
      await inbox.approve(sessionId, intentId, request, { tenant: TENANT, idempotencyKey: by });
      given.accepted = true;
      this.world.trace?.add('client', `${by}: ${decision} ${intentId} is accepted`);
    };
    this.insist(`${by}: ${decision} ${intentId}`, call, UNTIL_IT_IS_THERE);
  }

  private lookAgain(sessionId: string, intentId: string, request: ApprovalRequest): void {
    this.later(LOOKS_AGAIN_MS, () => {
      const look = async ({ sessions }: Api): Promise<void> => {
        const { held = [] } = await sessions.get(sessionId, { tenant: TENANT });
        if (!held.some(({ intent_id }) => intent_id === intentId)) {
          // one that the store has forgotten is held anew some day
          this.seen.delete(intentId);
          return;
        }
        this.answer(sessionId, intentId, request);
        this.lookAgain(sessionId, intentId, request);
      };
      this.insist(`look after ${intentId}`, look, UNTIL_IT_IS_THERE);
    });
  }
}
