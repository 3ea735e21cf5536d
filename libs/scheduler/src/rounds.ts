/** One round after the other, each after the pause that the one before asked for. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private under: Promise<void> | undefined;
  private isStopped = false;

  /**
   * @param round resolves to the pause until the next one begins, ms; never rejects
   * @param keepsAlive whether the process stays for it
   */
  constructor(
    private readonly round: () => Promise<number>,
    private readonly keepsAlive: boolean,
  ) {}

  get stopped(): boolean {
    return this.isStopped;
  }

  start(): void {
    this.wait(0);
  }

  /** Resolves when the round under way has ended; no other begins. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.under;
  }

  private wait(ms: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.under = this.round().then((next) => {
        this.under = undefined;
        this.wait(next);
      });
    }, ms);
    if (!this.keepsAlive) this.timer.unref();
  }
}
