/** Memory for about 50 sessions' writes. */
const SLAB_BYTES = 1 << 20;
/** Slabs that wait for their next use: as many as a busy engine fills between two checkpoints. */
const MOST_SPARE = 24;

/**
 * The memory outside the heap in which rows lie from their move until they are in the tree. Thousands of rows that live
 * for half a second would otherwise be copied by one collection of garbage after the other.
 *
 * A slab is given back when nothing of it is read any more, and used again: whoever reads a row copies it.
 */
export class Slabs {
  private spare: Buffer[] = [];
  private used: Buffer[] = [];

  /** One with room for so many bytes; beyond the usual for twice as many, since whoever needs that is growing. */
  take(bytes: number): Buffer {
    const slab =
      bytes > SLAB_BYTES
        ? Buffer.allocUnsafeSlow(2 * bytes)
        : (this.spare.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES));
    this.used.push(slab);
    return slab;
  }

  /** Those that were taken since the last call: their rows are frozen together. */
  takeUsed(): Buffer[] {
    const { used } = this;
    this.used = [];
    return used;
  }

  /** None of their rows is in memory any more. */
  giveBack(slabs: readonly Buffer[]): void {
    for (const slab of slabs)
      if (slab.length === SLAB_BYTES && this.spare.length < MOST_SPARE) this.spare.push(slab);
  }
}
