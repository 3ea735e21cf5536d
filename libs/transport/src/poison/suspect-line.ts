/** Suspects, one at a time; the conviction of one acquits all that wait. */
export class SuspectLine {
  private busy = false;
  private waiting: ((tried: boolean) => void)[] = [];

  /** Resolves when it is the caller's turn, who calls `leave` in the end. False: acquitted, there is no turn to end. */
  enter(): Promise<boolean> {
    if (this.busy) return new Promise((resolve) => this.waiting.push(resolve));
    this.busy = true;
    return Promise.resolve(true);
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.busy = false;
    else next(true);
  }

  acquit(): void {
    for (const resolve of this.waiting.splice(0)) resolve(false);
  }
}
