import { Inject, Injectable } from '@nestjs/common';
import {
  type DeadLetter,
  deadLetterEvent,
  DormouseError,
  redrivenEvent,
  type SessionDeadLetter,
} from '#contracts';
import { ClaimStore } from '#idempotency';
import {
  type DeadLetterPage,
  type DeadLetterQuery,
  DeadLetterStore,
  hasExpired,
  DeliveryLedger,
  type KeptDeadLetter,
  SessionStore,
} from '#state';
import { type BuriedRecord, encodeEvent, eventNameOf, type OutboundRecord, Transport } from '#transport';
import { COMMANDER_OPTIONS, type CommanderOptions } from '../commander.options.js';
import { forgiveDeaths } from './forgive.js';
import { letterOf } from './letter-of.js';

/** Who has a dead letter published again, and why. */
export interface RedriveOrder {
  by: string;
  reason?: string;
}

export type RedriveFilter = Pick<DeadLetterQuery, 'tenant' | 'reason' | 'topic' | 'sessionId'>;

/** Letters that one call by filter looks at. */
const PAGE = 100;
/** A call by filter stops after so many; the answer says whether there are more. */
const AT_ONCE = 1_000;

const namesSession = (letter: DeadLetter): letter is SessionDeadLetter =>
  letter.session_id !== undefined && letter.event_id !== undefined;
const isOfSession = (letter: DeadLetter): letter is SessionDeadLetter => letter.ours && namesSession(letter);
/** Who passed over an answer has to be told that it comes again. */
const wasPassedOver = (letter: DeadLetter): letter is SessionDeadLetter =>
  letter.reason === 'unattributable' && namesSession(letter);

/** Dead letters as strategies leave them and as operators see them: kept, looked at, published again. */
@Injectable()
export class DeadLetters {
  constructor(
    private readonly letters: DeadLetterStore,
    private readonly sessions: SessionStore,
    private readonly deliveries: DeliveryLedger,
    private readonly claims: ClaimStore,
    private readonly transport: Transport,
    @Inject(COMMANDER_OPTIONS) private readonly options: CommanderOptions,
  ) {}

  /**
   * Keeps a record that was made a dead letter, and tells its session of it, which parks where it would wait for ever.
   * Doing it again changes nothing.
   *
   * Errors: `unavailable`, `store_emptied`, both retryable
   */
  async keep(buried: BuriedRecord): Promise<void> {
    const { events, topics } = this.options;
    const letter = await this.letters.put(letterOf(buried, events), buried.record.value);
    if (!isOfSession(letter)) return;
    const traceId = await this.traceOf(letter);
    if (traceId === undefined) {
      // expired: nobody waits for it
      if (await hasExpired(this.sessions, letter.session_id)) return;
      return this.keep(buried);
    }
    const event = deadLetterEvent(events, letter, traceId);
    await this.transport.publish([encodeEvent(topics.observation, event)]);
  }

  /** Newest first. Errors: `invalid_cursor`, `unavailable` */
  list(query: DeadLetterQuery): Promise<DeadLetterPage> {
    return this.letters.list(query);
  }

  /** Errors: `not_found`, also for one of another tenant; `unavailable` */
  async get(id: string, tenant: string): Promise<KeptDeadLetter & { value: Buffer | null }> {
    const kept = await this.letters.get(id);
    if (kept === null || kept.letter.tenant !== tenant)
      throw new DormouseError(
        'not_found',
        `There is no dead letter ${JSON.stringify(id)} here; it may be older than the retention time.`,
      );
    return kept;
  }

  /**
   * Publishes the original record again, to its topic and under its key, and remembers who had it done. Its session is
   * told first: what it waits for is on its way again. Done twice it is in the log twice, which its ids make harmless.
   *
   * Errors: `not_found`; `unavailable`: it may be in the log or not, repeat the call
   */
  async redrive(id: string, tenant: string, order: RedriveOrder): Promise<KeptDeadLetter> {
    const { letter, redriven, value } = await this.get(id, tenant);
    const records: OutboundRecord[] = [];
    const { events, topics } = this.options;
    const told = isOfSession(letter) || wasPassedOver(letter) ? letter : undefined;
    const traceId = told === undefined ? undefined : await this.traceOf(told);
    if (told !== undefined && traceId !== undefined) {
      const event = redrivenEvent(events, told, { at: await this.sessions.now(), ...order }, traceId);
      records.push(encodeEvent(topics.observation, event));
    }
    records.push({
      topic: letter.topic,
      key: letter.key ?? letter.id,
      value: value ?? Buffer.alloc(0),
      headers: letter.headers,
    });
    const { topic, partition } = letter;
    const record = { ...letter, value, timestampMs: letter.at };
    if (letter.session_id !== undefined && letter.intent_id !== undefined)
      await forgiveDeaths(this.claims, { sessionId: letter.session_id, intentId: letter.intent_id });
    await this.deliveries.release({ topic, partition }, eventNameOf(record, events.deployment));
    await this.transport.publish(records);
    return { letter, redriven: [...redriven, await this.letters.markRedriven(id, order)] };
  }

  /** Redrives those that match and weren't redriven yet, oldest last. Errors: as {@link redrive}; the rest is untouched. */
  async redriveAll(
    filter: RedriveFilter,
    order: RedriveOrder,
  ): Promise<{ redriven: string[]; more: boolean }> {
    const done: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.letters.list({
        ...filter,
        redriven: false,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { letter } of page.letters) {
        await this.redrive(letter.id, filter.tenant, order);
        done.push(letter.id);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined && done.length < AT_ONCE);
    return { redriven: done, more: cursor !== undefined };
  }

  /** The trace of its session; undefined when that isn't in the store (any more). */
  private async traceOf({ session_id }: SessionDeadLetter): Promise<string | undefined> {
    return (await this.sessions.load(session_id))?.fixed.trace_id;
  }
}
