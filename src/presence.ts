import type { DeliveryLedger, Instance } from '#state';

const BEATS = 4;

/**
 * Says that this process lives, and what it is, so that one which dies without a word can be told from one that only lost a partition,
 * and that it stops in order. A beat that fails is made up for by the next.
 */
export class Presence {
  private timer: NodeJS.Timeout | undefined;

  /** @param ttlMs without a beat for so long it counts as dead; shorter than a dead member holds its partitions */
  constructor(
    private readonly ledger: DeliveryLedger,
    private readonly ttlMs: number,
    private readonly self: Instance,
  ) {}

  async begin(): Promise<void> {
    const beat = (): Promise<void> => this.ledger.beat(this.self, this.ttlMs);
    await beat();
    this.timer = setInterval(() => void beat().catch(() => undefined), this.ttlMs / BEATS).unref();
  }

  /** When nothing is in flight any more. */
  async end(): Promise<void> {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    // a store that can't be reached keeps nobody from stopping: then it looks like a death
    await this.ledger.leave(this.self.boot).catch(() => undefined);
  }
}
