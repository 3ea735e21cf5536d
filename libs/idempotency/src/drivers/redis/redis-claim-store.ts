import { type Finding, type Outcome, RECORD_VERSION } from '#contracts';
import {
  checkedPrefix,
  checkVersion,
  RedisConnection,
  type RedisOptions,
  type RedisScript,
  type ScriptArgument,
  type ServerPromises,
  sessionTag,
} from '#redis';
import {
  type ClaimCapabilities,
  type ClaimKey,
  type ClaimReply,
  type ClaimRequest,
  ClaimStore,
  type ClaimView,
  type RecordReply,
  type RenewReply,
  type SealReply,
  type StartReply,
} from '../../port.js';
import { claimReply, recordReply, sealReply } from './claim-replies.js';
import { CLAIM_FIELDS, claimView } from './claim-view.js';
import { ForgottenClaims } from './forgotten-claims.js';
import { claimMove } from './moves/claim.lua.js';
import { deferMove } from './moves/defer.lua.js';
import { dropMove } from './moves/drop.lua.js';
import { handBackMove } from './moves/hand-back.lua.js';
import { keepMove } from './moves/keep.lua.js';
import { recordMove } from './moves/record.lua.js';
import { renewMove } from './moves/renew.lua.js';
import { sealMove } from './moves/seal.lua.js';
import { startMove } from './moves/start.lua.js';

/**
 * Claims in Redis: each move of the port is one script on one key, `claim:{<session id>}:<intent id>`. The server's
 * clock decides about leases; a claim that ended is forgotten by the server when its retention is over.
 */
export class RedisClaimStore extends ClaimStore {
  readonly capabilities: ClaimCapabilities;
  private readonly forgotten: ForgottenClaims;

  private constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
    private readonly promises: ServerPromises,
  ) {
    super();
    this.forgotten = new ForgottenClaims(redis);
    this.capabilities = { driver: 'redis', durability: promises.durability, shared: true };
  }

  /** @throws DormouseError `invalid_settings`; `unavailable` when no server answers */
  static async open(options: RedisOptions): Promise<RedisClaimStore> {
    const prefix = checkedPrefix(options.keyPrefix);
    const redis = await RedisConnection.open(options);
    try {
      return new RedisClaimStore(redis, prefix, await redis.promises());
    } catch (error) {
      await redis.close();
      throw error;
    }
  }

  /** What the server's settings promise, and put at risk. */
  checks(): readonly Finding[] {
    return this.promises.findings;
  }

  now(): Promise<number> {
    return this.redis.now();
  }

  async claim(request: ClaimRequest): Promise<ClaimReply> {
    const { token, digest, leaseMs } = request;
    return claimReply(await this.move(claimMove, request, token, digest, leaseMs));
  }

  async start(key: ClaimKey, token: string): Promise<StartReply> {
    const [kind] = await this.move(startMove, key, token);
    return kind as StartReply;
  }

  async renew(key: ClaimKey, token: string, leaseMs: number): Promise<RenewReply> {
    const [kind] = await this.move(renewMove, key, token, leaseMs);
    return kind as RenewReply;
  }

  async defer(
    key: ClaimKey,
    token: string,
    deferral: { attempts: number; notBefore: number; handOver: boolean; record?: string },
  ): Promise<'deferred' | 'lost' | 'cancelled'> {
    const { attempts, notBefore, handOver, record } = deferral;
    const kept = record === undefined ? [0, ''] : [1, record];
    const [kind] = await this.move(deferMove, key, token, attempts, notBefore, handOver ? 1 : 0, ...kept);
    return kind as 'deferred' | 'lost' | 'cancelled';
  }

  async keep(key: ClaimKey, token: string, record: string): Promise<'kept' | 'lost'> {
    const [kind] = await this.move(keepMove, key, token, record);
    return kind as 'kept' | 'lost';
  }

  async record(key: ClaimKey, token: string, outcome: Outcome, retentionMs: number): Promise<RecordReply> {
    return recordReply(await this.move(recordMove, key, token, JSON.stringify(outcome), retentionMs));
  }

  async seal(key: ClaimKey, digest: string, outcome: Outcome, retentionMs: number): Promise<SealReply> {
    return sealReply(await this.move(sealMove, key, '', digest, JSON.stringify(outcome), retentionMs));
  }

  async handBack(key: ClaimKey, token: string, died = false): Promise<void> {
    await this.move(handBackMove, key, token, died ? 1 : 0);
  }

  async drop(key: ClaimKey, token: string): Promise<void> {
    await this.move(dropMove, key, token);
  }

  async forget(keys: readonly ClaimKey[]): Promise<void> {
    const names = keys.map((key) => this.keyOf(key));
    if (names.length === 0) return;
    // claims of several sessions may lie on several servers
    if (!this.redis.cluster) await this.forgotten.remove(names);
    else await Promise.all(names.map((name) => this.redis.call((redis) => redis.unlink(name))));
  }

  read(keys: readonly ClaimKey[]): Promise<(ClaimView | null)[]> {
    return Promise.all(
      keys.map(async (key) => {
        const name = this.keyOf(key);
        return claimView(await this.redis.call((redis) => redis.hmget(name, ...CLAIM_FIELDS)));
      }),
    );
  }

  /** The server does it by itself. */
  async expire(): Promise<number> {
    await this.redis.now();
    return 0;
  }

  ping(): Promise<void> {
    return this.redis.ping();
  }

  close(): Promise<void> {
    return this.redis.close();
  }

  private keyOf({ sessionId, intentId }: ClaimKey): string {
    return `${this.prefix}claim:${sessionTag(sessionId)}:${intentId}`;
  }

  private async move(
    script: RedisScript,
    key: ClaimKey,
    token: string,
    ...args: ScriptArgument[]
  ): Promise<(string | number)[]> {
    const reply = await this.redis.run(script, [this.keyOf(key)], [RECORD_VERSION, token, ...args]);
    const answer = reply as [string, ...(string | number)[]];
    if (answer[0] === 'newer_version') checkVersion(Number(answer[1]), RECORD_VERSION, 'a claim');
    return answer;
  }
}
