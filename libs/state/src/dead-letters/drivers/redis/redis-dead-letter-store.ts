import type { DeadLetter, Redrive } from '#contracts';
import { checkedPrefix, RedisConnection, type RedisOptions, sessionTag } from '#redis';
import { markRedrivenMove } from './moves/mark-redriven.lua.js';
import { cursorOf, placeOfCursor } from '../../../list-place.js';
import { matches, placeIn, shareOf } from '../../page.js';
import {
  type DeadLetterPage,
  type DeadLetterQuery,
  DeadLetterStore,
  type KeptDeadLetter,
} from '../../port.js';
import { putLetterMove } from './moves/put-letter.lua.js';

/** Loaded together: a page that is full early has not loaded all it could look at. */
const TOGETHER = 100;

/** Dead letters in Redis, or a Redis Cluster: a hash each, and per tenant a sorted set of them in order. */
export class RedisDeadLetterStore extends DeadLetterStore {
  private readonly prefix: string;

  private constructor(
    private readonly redis: RedisConnection,
    keyPrefix: string | undefined,
    private readonly retentionMs: number,
  ) {
    super();
    this.prefix = checkedPrefix(keyPrefix);
  }

  /** @throws DormouseError `invalid_settings`; `unavailable` when no server answers */
  static async open(options: RedisOptions & { retentionMs: number }): Promise<RedisDeadLetterStore> {
    checkedPrefix(options.keyPrefix);
    const redis = await RedisConnection.open(options);
    return new RedisDeadLetterStore(redis, options.keyPrefix, options.retentionMs);
  }

  async put(letter: Omit<DeadLetter, 'at'>, value: Buffer | null): Promise<DeadLetter> {
    const { redis, retentionMs } = this;
    const text = JSON.stringify({ ...letter, at: await redis.now() });
    const given = [text, value ?? '', value === null ? 0 : 1, retentionMs];
    const kept = JSON.parse(
      String(await redis.run(putLetterMove, [this.letter(letter.id)], given)),
    ) as DeadLetter;
    // after the letter: a crash in between leaves one that is put again, and listed then
    const list = this.places(kept.tenant);
    await redis.call((client) => client.zadd(list, 0, placeIn(kept.at, kept.id)));
    const oldest = `(${placeIn(kept.at - retentionMs, '')}`;
    await redis.call((client) => client.zremrangebylex(list, '-', oldest));
    return kept;
  }

  async list(query: DeadLetterQuery): Promise<DeadLetterPage> {
    const { redis } = this;
    const list = this.places(query.tenant);
    const top = query.cursor === undefined ? '+' : `(${placeOfCursor(query.cursor)}`;
    const most = shareOf(query);
    const found = await redis.call((client) => client.zrevrangebylex(list, top, '-', 'LIMIT', 0, most + 1));
    const places = found.slice(0, most);
    const letters: KeptDeadLetter[] = [];
    let looked = 0;
    while (looked < places.length && letters.length < query.limit) {
      const part = places.slice(looked, looked + TOGETHER);
      const loaded = await Promise.all(part.map((place) => this.load(place.slice(place.indexOf('|') + 1))));
      for (const kept of loaded) {
        if (letters.length === query.limit) break;
        looked++;
        if (kept !== null && matches(kept, query)) letters.push(kept);
      }
    }
    const last = places[looked - 1];
    if (last === undefined || looked === found.length) return { letters };
    return { letters, nextCursor: cursorOf(last) };
  }

  async get(id: string): Promise<(KeptDeadLetter & { value: Buffer | null }) | null> {
    const kept = await this.load(id);
    if (kept === null) return null;
    const value = await this.redis.call((client) => client.hgetBuffer(this.letter(id), 'value'));
    return { ...kept, value };
  }

  async markRedriven(id: string, redrive: Omit<Redrive, 'at'>): Promise<Redrive> {
    const whole: Redrive = { ...redrive, at: await this.redis.now() };
    await this.redis.run(markRedrivenMove, [this.letter(id)], [JSON.stringify(whole)]);
    return whole;
  }

  close(): Promise<void> {
    return this.redis.close();
  }

  private async load(id: string): Promise<KeptDeadLetter | null> {
    const [letter, redriven] = await this.redis.call((client) =>
      client.hmget(this.letter(id), 'letter', 'redriven'),
    );
    if (typeof letter !== 'string') return null;
    const lines = typeof redriven === 'string' ? redriven.split('\n') : [];
    return {
      letter: JSON.parse(letter) as DeadLetter,
      redriven: lines.map((line) => JSON.parse(line) as Redrive),
    };
  }

  /** A hash: `letter` (JSON), `value` (the record's), `redriven` (JSON lines). */
  private letter(id: string): string {
    return `${this.prefix}dead-letter:${sessionTag(id)}`;
  }

  /** A sorted set in order of its members: `<time>|<id>`. */
  private places(tenant: string): string {
    return `${this.prefix}dead-letters:${tenant}`;
  }
}
