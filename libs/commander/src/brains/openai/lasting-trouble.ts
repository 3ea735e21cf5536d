/**
 * Remembers since when the server has had no answer for a session. Only sessions in trouble are in it, whose record is
 * being delivered again and again by this process anyway; one that nobody asks about any more (a cancel came) is dropped
 * after a while. Lost with the process: then the count begins anew.
 */
export class LastingTrouble {
  readonly #since = new Map<string, { first: number; latest: number }>();

  /** @param forgetAfterMs a session without news for as long is dropped */
  constructor(private readonly forgetAfterMs: number) {}

  /** There is trouble now; returns for how long there has been, ms. */
  lastedMs(sessionId: string, nowMs: number): number {
    const first = this.#since.get(sessionId)?.first ?? nowMs;
    // the ones without news for longest come first
    this.#since.delete(sessionId);
    this.#since.set(sessionId, { first, latest: nowMs });
    for (const [id, { latest }] of this.#since) {
      if (nowMs - latest <= this.forgetAfterMs) break;
      this.#since.delete(id);
    }
    return nowMs - first;
  }

  over(sessionId: string): void {
    this.#since.delete(sessionId);
  }

  get size(): number {
    return this.#since.size;
  }
}
