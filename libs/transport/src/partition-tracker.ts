import { type Runs, decodeRuns, encodeRuns, metadataCharsAtMost } from './finished-runs.js';
import type { Position } from './port.js';

/** A record that was admitted and isn't finished: a link in its tracker's chain, in order of offset. */
export class Admitted {
  before: Admitted | null = null;
  after: Admitted | null = null;
  constructor(readonly offset: number) {}
}

/**
 * What is finished of one partition, for as long as it is ours.
 *
 * Only what is *not* finished is kept, as a chain: everything between two links is finished, or was never there (the
 * log left it out: a control record, compaction). So admitting and finishing take the same short time however far
 * apart the oldest and the newest record are, and memory holds the unfinished records alone.
 *
 * Offsets come in ascending order; one that was seen before is known and skipped.
 */
export class PartitionTracker {
  private first: Admitted | null = null;
  private last: Admitted | null = null;
  /** how many records are admitted and not finished */
  unfinished = 0;
  /** everything below has been seen, or is known to be finished */
  private expected: number;
  /** finished according to the position that we began at, and not yet passed by `expected` */
  private readonly known: Runs;
  private knownAt = 0;
  /** how many finished runs lie between `first` and `expected` */
  private runsBehind = 0;

  constructor(
    position: Position,
    private readonly maxMetadataBytes: number,
  ) {
    this.expected = position.offset;
    this.known = decodeRuns(position.offset, position.metadata);
    this.expect(position.offset);
  }

  /** Every offset below is finished. */
  get watermark(): number {
    return this.first === null ? this.expected : this.first.offset;
  }

  /** False: seen before, or finished by an earlier owner. It must not be run. */
  admit(record: Admitted): boolean {
    const { offset } = record;
    if (offset < this.expected) return false;
    while (this.knownAt < this.known.length && (this.known[this.knownAt + 1] ?? 0) <= offset)
      this.knownAt += 2;
    if (this.knownAt < this.known.length && (this.known[this.knownAt] ?? 0) <= offset) {
      this.expect(offset + 1);
      return false;
    }
    record.before = this.last;
    record.after = null;
    if (this.last === null) this.first = record;
    else {
      // a gap behind the last one counts as a run; one that `expected` had opened is counted already
      if (this.expected === this.last.offset + 1 && offset > this.expected) this.runsBehind++;
      this.last.after = record;
    }
    this.last = record;
    this.unfinished++;
    this.expected = offset + 1;
    this.expect(offset + 1);
    return true;
  }

  /** Call it once for each admitted record. */
  finish(record: Admitted): void {
    const { before, after, offset } = record;
    const runAfter = (after === null ? this.expected : after.offset) > offset + 1 ? 1 : 0;
    if (before === null) {
      this.first = after;
      this.runsBehind -= runAfter;
    } else {
      before.after = after;
      this.runsBehind += 1 - runAfter - (offset > before.offset + 1 ? 1 : 0);
    }
    if (after === null) this.last = before;
    else after.before = before;
    record.before = null;
    record.after = null;
    this.unfinished--;
  }

  /** A record that isn't here (yet) is finished: its handler had begun in an earlier ownership. */
  finishAhead(offset: number): void {
    if (offset < this.expected) return;
    const runs = this.known;
    let i = this.knownAt;
    while (i < runs.length && (runs[i + 1] ?? 0) < offset) i += 2;
    const start = runs[i];
    const end = runs[i + 1];
    if (start === undefined || end === undefined || offset + 1 < start) runs.splice(i, 0, offset, offset + 1);
    else {
      runs[i] = Math.min(start, offset);
      runs[i + 1] = Math.max(end, offset + 1);
      // it may have closed the gap to the next run
      if (runs[i + 2] === runs[i + 1]) runs.splice(i + 1, 2);
    }
    this.expect(this.expected);
  }

  /** How full the metadata is: 1 and above may not hold everything that is finished. Never too low. */
  get metadataLoad(): number {
    const runs = this.runsBehind + (this.known.length - this.knownAt) / 2;
    if (runs === 0 || this.maxMetadataBytes === 0) return 0;
    const farEnd =
      this.knownAt < this.known.length ? (this.known[this.known.length - 1] ?? 0) : this.expected;
    return metadataCharsAtMost(runs, farEnd - this.watermark) / this.maxMetadataBytes;
  }

  /** What can be committed now. Takes time with the number of unfinished records. */
  position(): Position {
    const runs: Runs = [];
    for (let record = this.first; record !== null; record = record.after) {
      const end = record.after === null ? this.expected : record.after.offset;
      if (end > record.offset + 1) runs.push(record.offset + 1, end);
    }
    for (let i = this.knownAt; i < this.known.length; i++) runs.push(this.known[i] ?? 0);
    const offset = this.watermark;
    return { offset, metadata: encodeRuns(offset, runs, this.maxMetadataBytes) };
  }

  /** Moves `expected` up, and over the known runs that begin there. */
  private expect(offset: number): void {
    const end = this.last === null ? -1 : this.last.offset + 1;
    const hadRun = this.expected > end;
    this.expected = offset;
    while (this.knownAt < this.known.length && (this.known[this.knownAt] ?? 0) <= this.expected) {
      this.expected = Math.max(this.expected, this.known[this.knownAt + 1] ?? 0);
      this.knownAt += 2;
    }
    if (this.last !== null && !hadRun && this.expected > end) this.runsBehind++;
  }
}
