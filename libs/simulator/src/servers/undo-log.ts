interface Write {
  at: number;
  undo: () => void;
}

/** Remembers how to take back the latest writes of a server: what a server that comes back without them has lost. */
export class UndoLog {
  private writes: Write[] = [];

  constructor(private readonly kept = 64) {}

  add(at: number, undo: () => void): void {
    this.writes.push({ at, undo });
    if (this.writes.length > 2 * this.kept) this.writes = this.writes.slice(-this.kept);
  }

  /** Takes back what was written at `since` or later, latest first, as far as it is remembered; returns how many. */
  takeBack(since: number): number {
    let taken = 0;
    for (let last = this.writes.at(-1); last !== undefined && last.at >= since; last = this.writes.at(-1)) {
      this.writes.pop();
      last.undo();
      taken++;
    }
    return taken;
  }
}
