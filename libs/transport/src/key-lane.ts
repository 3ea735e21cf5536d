import type { DeliveredRecord } from './delivery.js';

/**
 * The records of one key in one partition, in order, one at a time.
 *
 * - `idle`: just made, or its last record is finished and nothing has been queued since; it is about to be dropped.
 * - `ready`: stands in its partition's line for a place among those in flight.
 * - `running`: `current` is with the handler.
 * - `waiting`: `current` failed, and is tried again when its delay is over.
 */
export class KeyLane {
  state: 'idle' | 'ready' | 'running' | 'waiting' = 'idle';
  /** the record that was begun and isn't finished */
  current: DeliveredRecord | null = null;
  /** records that wait behind `current` */
  queued = 0;
  /** its queue has reached the limit, and hasn't fallen to half of it since */
  full = false;
  /** the next in the partition's line */
  nextReady: KeyLane | null = null;
  private head: DeliveredRecord | null = null;
  private tail: DeliveredRecord | null = null;

  constructor(readonly key: string) {}

  push(record: DeliveredRecord): void {
    if (this.tail === null) this.head = record;
    else this.tail.next = record;
    this.tail = record;
    this.queued++;
  }

  shift(): DeliveredRecord | null {
    const record = this.head;
    if (record === null) return null;
    this.head = record.next;
    if (this.head === null) this.tail = null;
    record.next = null;
    this.queued--;
    return record;
  }

  clearQueue(): void {
    this.head = null;
    this.tail = null;
    this.queued = 0;
    this.full = false;
  }
}
