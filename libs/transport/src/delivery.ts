import { Admitted, type PartitionTracker } from './partition-tracker.js';
import type { LogRecord } from './port.js';

/** What a handler is told about the record it was handed. */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** null: the writer gave none */
  readonly key: string | null;
  /** how often this process has handed the record to the handler, this time included: 1, 2, … */
  readonly deliveries: number;
  /**
   * Aborted when a drain's grace is over: hand back what can be handed back, and end. Nothing else aborts it; the
   * loss of the partition doesn't.
   */
  readonly signal: AbortSignal;
  readonly record: LogRecord;
}

/** One object per record: the link in the tracker's chain, the place in its key's queue and the handler's context. */
export class DeliveredRecord extends Admitted implements Delivery {
  deliveries = 0;
  /** the next one of the same key */
  next: DeliveredRecord | null = null;
  private controller: AbortController | null = null;
  private abortReason: Error | null = null;

  constructor(
    readonly record: LogRecord,
    /** the ownership under which it is to be finished */
    public tracker: PartitionTracker,
  ) {
    super(record.offset);
  }

  get topic(): string {
    return this.record.topic;
  }
  get partition(): number {
    return this.record.partition;
  }
  get key(): string | null {
    return this.record.key;
  }
  /** Made when it is asked for: most handlers don't, and a controller costs more than the rest of a delivery. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.abortReason !== null) this.controller.abort(this.abortReason);
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.abortReason = reason;
    this.controller?.abort(reason);
  }
}
