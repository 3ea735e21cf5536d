import type { RedisConnection } from '#redis';

/**
 * Claims to be removed. Those of one turn of the event loop leave in one command: a log that acknowledges many records
 * at once ends as many steps at once, and each of them forgets its claims.
 */
export class ForgottenClaims {
  private names: string[] = [];
  private sent: Promise<void> | undefined;

  constructor(private readonly redis: RedisConnection) {}

  /** Resolves when the server has removed them. */
  remove(names: readonly string[]): Promise<void> {
    this.names.push(...names);
    this.sent ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.send());
    return this.sent;
  }

  private async send(): Promise<void> {
    const { names } = this;
    this.names = [];
    this.sent = undefined;
    await this.redis.call((redis) => redis.unlink(...names));
  }
}
