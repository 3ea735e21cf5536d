/** Lets many wait for one thing that comes and goes. */
export class Readiness {
  private ready = false;
  private readonly waiting = new Set<(ready: boolean) => void>();

  set(ready: boolean): void {
    this.ready = ready;
    if (ready) this.tell(true);
  }

  /** Nobody waits any more: it will not come. */
  giveUp(): void {
    this.ready = false;
    this.tell(false);
  }

  /** True at once or as soon as it is so; false when `timeoutMs` are over or it was given up. */
  wait(timeoutMs: number): Promise<boolean> {
    if (this.ready) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (ready: boolean): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve(ready);
      };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.waiting.add(done);
    });
  }

  private tell(ready: boolean): void {
    for (const done of [...this.waiting]) done(ready);
  }
}
