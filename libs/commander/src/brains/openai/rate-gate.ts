/**
 * Remembers, per model, until when a server asked to be left alone, so that the sessions whose step is repeated in the
 * meantime ask nothing. Lost with the process: that costs one request.
 */
export class RateGate {
  readonly #until = new Map<string, number>();

  /** Nobody asks `model` before `untilMs`. */
  close(model: string, untilMs: number, nowMs: number): void {
    for (const [name, until] of this.#until) if (until <= nowMs) this.#until.delete(name);
    this.#until.set(model, Math.max(untilMs, this.#until.get(model) ?? 0));
  }

  /** Milliseconds until `model` may be asked; 0 when it may. */
  remainingMs(model: string, nowMs: number): number {
    return Math.max(0, (this.#until.get(model) ?? 0) - nowMs);
  }
}
