import { checkedPrefix, RedisConnection, type RedisOptions } from '#redis';
import {
  type DeliveryCount,
  DeliveryLedger,
  type Instance,
  type PartitionPlace,
  type Taken,
} from '../../port.js';
import { countDeliveriesMove } from './moves/count-deliveries.lua.js';
import { takePartitionMove } from './moves/take-partition.lua.js';

const LEFT = 'left';
/** Lua unpacks and Redis takes some thousand arguments at once. */
const COUNTED_AT_ONCE = 2_000;

/** Deliveries in Redis, or a Redis Cluster: a hash for each partition, a key with an end for each process. */
export class RedisDeliveryLedger extends DeliveryLedger {
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
  static async open(options: RedisOptions & { retentionMs: number }): Promise<RedisDeliveryLedger> {
    checkedPrefix(options.keyPrefix);
    const redis = await RedisConnection.open(options);
    return new RedisDeliveryLedger(redis, options.keyPrefix, options.retentionMs);
  }

  async beat(instance: Instance, ttlMs: number): Promise<void> {
    const { boot } = instance;
    await Promise.all([
      this.redis.call((client) => client.set(this.process(boot), JSON.stringify(instance), 'PX', ttlMs)),
      this.redis.call((client) => client.sadd(this.processes(), boot)),
    ]);
  }

  async instances(): Promise<Instance[]> {
    const boots = await this.redis.call((client) => client.smembers(this.processes()));
    const found = await Promise.all(
      boots.map(async (boot) => {
        const text = await this.redis.call((client) => client.get(this.process(boot)));
        if (text !== null && text !== LEFT) return JSON.parse(text) as Instance;
        // gone: nobody else takes it off the list
        await this.redis.call((client) => client.srem(this.processes(), boot));
        return null;
      }),
    );
    return found.filter((instance) => instance !== null);
  }

  async leave(boot: string): Promise<void> {
    await Promise.all([
      this.redis.call((client) => client.set(this.process(boot), LEFT, 'PX', this.retentionMs)),
      this.redis.call((client) => client.srem(this.processes(), boot)),
    ]);
  }

  async take(place: PartitionPlace, boot: string, offset: number): Promise<Taken> {
    const reply = await this.redis.run(
      takePartitionMove,
      [this.key(place)],
      [boot, offset, this.retentionMs],
    );
    const [before, fields] = reply as [string, string[]];
    const died = before !== '' && before !== boot && !(await this.isAccounted(before));
    return { died, counts: countsIn(fields) };
  }

  async counts(place: PartitionPlace): Promise<DeliveryCount[]> {
    const { owner: _owner, ...fields } = await this.redis.call((client) => client.hgetall(this.key(place)));
    return countsIn(Object.entries(fields).flat());
  }

  async count(
    place: PartitionPlace,
    records: readonly Pick<DeliveryCount, 'event' | 'offset'>[],
  ): Promise<void> {
    for (let i = 0; i < records.length; i += COUNTED_AT_ONCE) {
      const part = records.slice(i, i + COUNTED_AT_ONCE).flatMap(({ event, offset }) => [event, offset]);
      await this.redis.run(countDeliveriesMove, [this.key(place)], [this.retentionMs, ...part]);
    }
  }

  kill(place: PartitionPlace, event: string): Promise<number> {
    return this.redis.call((client) => client.hincrby(this.key(place), `k:${event}`, 1));
  }

  async convict(place: PartitionPlace, event: string): Promise<void> {
    const at = await this.redis.now();
    await this.redis.call((client) => client.hset(this.key(place), `c:${event}`, at));
  }

  async isConvicted(place: PartitionPlace, event: string): Promise<boolean> {
    return (await this.redis.call((client) => client.hexists(this.key(place), `c:${event}`))) === 1;
  }

  async release(place: PartitionPlace, event: string): Promise<void> {
    const fields = ['d', 'k', 'o', 'c'].map((kind) => `${kind}:${event}`);
    await this.redis.call((client) => client.hdel(this.key(place), ...fields));
  }

  async forget(place: PartitionPlace): Promise<void> {
    const key = this.key(place);
    const fields = await this.redis.call((client) => client.hkeys(key));
    const convicted = new Set(fields.filter((f) => f.startsWith('c:')).map((f) => f.slice(2)));
    const counts = fields.filter((field) => field !== 'owner' && !convicted.has(field.slice(2)));
    for (let i = 0; i < counts.length; i += COUNTED_AT_ONCE)
      await this.redis.call((client) => client.hdel(key, ...counts.slice(i, i + COUNTED_AT_ONCE)));
  }

  close(): Promise<void> {
    return this.redis.close();
  }

  /** It lives, or it said that it stops. */
  private async isAccounted(boot: string): Promise<boolean> {
    return (await this.redis.call((client) => client.exists(this.process(boot)))) === 1;
  }

  /** A hash: `owner`; for each event `d:` deliveries, `k:` killed children, `o:` offset, `c:` when it was convicted. */
  private key({ topic, partition }: PartitionPlace): string {
    return `${this.prefix}deliveries:${topic}:${partition}`;
  }

  /** What a process says of itself for as long as it lives, or that it left. */
  private process(boot: string): string {
    return `${this.prefix}process:${boot}`;
  }

  /** A set: the boot ids of those that may live. */
  private processes(): string {
    return `${this.prefix}processes`;
  }
}

/** Field after value: see `key`. */
const countsIn = (fields: readonly string[]): DeliveryCount[] => {
  const counts = new Map<string, DeliveryCount>();
  for (let i = 0; i < fields.length; i += 2) {
    const [kind, event] = [fields[i]?.slice(0, 1), fields[i]?.slice(2) ?? ''];
    const count = counts.get(event) ?? { event, offset: 0, deliveries: 0, kills: 0, convicted: false };
    const value = Number(fields[i + 1]);
    if (kind === 'c') count.convicted = true;
    else count[kind === 'd' ? 'deliveries' : kind === 'k' ? 'kills' : 'offset'] = value;
    counts.set(event, count);
  }
  return [...counts.values()];
};
