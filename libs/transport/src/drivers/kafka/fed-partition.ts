/** What to do with a batch that kafkajs hands over. */
export type Verdict =
  /** feed the records from this index on; all are old when it is the batch's length */
  | { kind: 'feed'; from: number }
  /** records are missing between what was fed and this batch: drop it, and read from `offset` */
  | { kind: 'reread'; offset: number };

/**
 * How far one partition has been fed, in one ownership.
 *
 * kafkajs's own idea of that is not to be trusted: a rejoin sets it back to what is committed; and a batch that was
 * fetched before a rejoin may be handed over after it, when kafkajs moves its position behind that batch, whoever's it was.
 */
export class FedPartition {
  /** a hole below this offset was read again, and was still there */
  private rereadAt = -1;

  /** @param next the next offset to feed */
  constructor(public next: number) {}

  /** @param fetchedFrom the offset that was asked for; @param offsets of the batch's records, ascending */
  judge(fetchedFrom: number, offsets: readonly { offset: string }[]): Verdict {
    if (fetchedFrom > this.next && this.rereadAt !== this.next) {
      this.rereadAt = this.next;
      return { kind: 'reread', offset: this.next };
    }
    // a hole that is still there is none: control records, compaction, or the log begins later now
    let from = 0;
    while (from < offsets.length && Number(offsets[from]?.offset) < this.next) from++;
    return { kind: 'feed', from };
  }

  /** Everything up to and with `offset` was fed. */
  fed(offset: number): void {
    this.next = Math.max(this.next, offset + 1);
  }
}
