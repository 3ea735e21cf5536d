import type { LogRecord } from '../port.js';
import type { Count, Deliveries, Place } from './poison.options.js';

interface Waiting {
  event: string;
  offset: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** How far the log's clock may be behind ours; a record that came later than our assignment killed nobody before. */
const SKEW_MS = 10_000;
const NONE: Count = { deliveries: 0, kills: 0, convicted: false };

/**
 * One partition, from its assignment until nothing of it can have been in flight when its last process died.
 * What is counted in one turn of the event loop is written at once.
 */
export class PartitionRecovery {
  private readonly known = new Map<string, Count>();
  /** events whose delivery to this process is counted */
  private readonly begun = new Map<string, Promise<void>>();
  private readonly assignedAt = Date.now();
  private taking: Promise<void> | undefined;
  private isTaken = false;
  private died = false;
  private waiting: Waiting[] = [];

  constructor(
    private readonly deliveries: Deliveries,
    readonly place: Place,
    private readonly boot: string,
    private readonly offset: number,
    /** records that can have been in flight */
    private left: number,
  ) {
    // whoever asks is told
    this.take().catch(() => undefined);
  }

  /** Nothing of this partition has to be counted any more, nor was. */
  get over(): boolean {
    const counts = this.died && this.left > 0;
    return this.isTaken && !counts && this.waiting.length === 0 && this.known.size === 0;
  }

  of(event: string): Count {
    return this.known.get(event) ?? NONE;
  }

  /**
   * Before a record is begun: counts this delivery of its event, where it has to be.
   * Errors: those of the store; nothing may be begun then.
   */
  async begin(event: string, { offset, timestampMs }: LogRecord): Promise<void> {
    await this.take();
    if (timestampMs > this.assignedAt + SKEW_MS) this.left = 0;
    let counted = this.begun.get(event);
    if (counted === undefined && this.died && (this.known.has(event) || this.left > 0)) {
      this.left--;
      counted = this.add(event, offset);
      this.begun.set(event, counted);
      counted.catch(() => this.begun.delete(event));
    }
    await counted;
  }

  async kill(event: string): Promise<void> {
    const kills = await this.deliveries.kill(this.place, event);
    this.known.set(event, { ...this.of(event), kills });
  }

  async convict(event: string): Promise<void> {
    await this.deliveries.convict(this.place, event);
    this.known.set(event, { ...this.of(event), convicted: true });
  }

  /** Whether it is one still: a person may have had it redriven. */
  async isConvicted(event: string): Promise<boolean> {
    if (!this.of(event).convicted) return false;
    if (await this.deliveries.isConvicted(this.place, event)) return true;
    this.known.delete(event);
    return false;
  }

  /** Its record is finished. */
  finished(event: string): void {
    if (!this.of(event).convicted) this.known.delete(event);
  }

  /** What was counted meant another event. */
  async forget(): Promise<void> {
    await this.deliveries.forget(this.place);
    for (const [event, { convicted }] of this.known) if (!convicted) this.known.delete(event);
    this.died = false;
  }

  /** Once; again, with the next record, where the store could not be reached. */
  private take(): Promise<void> {
    this.taking ??= this.deliveries.take(this.place, this.boot, this.offset).then(
      ({ died, counts }) => {
        this.died = died;
        this.isTaken = true;
        for (const count of counts) this.known.set(count.event, count);
      },
      (error: unknown) => {
        this.taking = undefined;
        throw error;
      },
    );
    return this.taking;
  }

  private add(event: string, offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ event, offset, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => void this.write());
    });
  }

  private async write(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    try {
      await this.deliveries.count(this.place, batch);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const { event, resolve } of batch) {
      const before = this.of(event);
      this.known.set(event, { ...before, deliveries: before.deliveries + 1 });
      resolve();
    }
  }
}
