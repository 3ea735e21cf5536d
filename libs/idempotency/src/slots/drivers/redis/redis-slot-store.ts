import { checkedPrefix, RedisConnection, type RedisOptions } from '#redis';
import { type SlotRequest, SlotStore } from '../../port.js';
import { freeSlotMove } from './moves/free-slot.lua.js';
import { renewSlotMove } from './moves/renew-slot.lua.js';
import { takeSlotMove } from './moves/take-slot.lua.js';

/** Longer than any lease: what is left of a tool of which nobody asks any more goes away by itself. */
const REMEMBERED_MS = 2 * 24 * 60 * 60 * 1_000;

/**
 * Slots in Redis, or a Redis Cluster: three sorted sets per tool, in one slot of the cluster by the tool's name. The
 * server's clock decides about leases.
 */
export class RedisSlotStore extends SlotStore {
  private constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
  ) {
    super();
  }

  /** @throws DormouseError `invalid_settings`; `unavailable` when no server answers */
  static async open(options: RedisOptions): Promise<RedisSlotStore> {
    const prefix = checkedPrefix(options.keyPrefix);
    return new RedisSlotStore(await RedisConnection.open(options), prefix);
  }

  async take(request: SlotRequest): Promise<'taken' | 'full'> {
    const { tool, token, limit, leaseMs, since, patienceMs } = request;
    const given = [token, limit, leaseMs, since, patienceMs, REMEMBERED_MS];
    return (await this.redis.run(takeSlotMove, this.keys(tool), given)) as 'taken' | 'full';
  }

  async renew(tool: string, token: string, leaseMs: number): Promise<'held' | 'lost'> {
    const [holders] = this.keys(tool);
    return (await this.redis.run(renewSlotMove, [holders], [token, leaseMs, REMEMBERED_MS])) as
      'held' | 'lost';
  }

  async free(tool: string, token: string): Promise<void> {
    await this.redis.run(freeSlotMove, this.keys(tool), [token]);
  }

  close(): Promise<void> {
    return this.redis.close();
  }

  /** A tool's name has no braces. */
  private keys(tool: string): [string, string, string] {
    const holders = `${this.prefix}slots:{${tool}}`;
    return [holders, `${holders}:line`, `${holders}:line-until`];
  }
}
