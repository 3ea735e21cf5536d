/** Without a sign for so many session timeouts, a member takes itself for dead. The coordinator did after one. */
const SESSIONS = 4;
const TICKS_PER_SESSION = 2;

/**
 * kafkajs can hang without an event. Any heartbeat or join that was answered is a sign of life. Silence is counted in
 * ticks, not by the clock: a process that was frozen was not silent.
 */
export class LifeSigns {
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(
    private readonly sessionTimeoutMs: number,
    private readonly silent: (silentMs: number) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.ticks++;
      if (this.ticks > SESSIONS * TICKS_PER_SESSION) this.silent(SESSIONS * this.sessionTimeoutMs);
    }, this.sessionTimeoutMs / TICKS_PER_SESSION).unref();
  }

  sign(): void {
    this.ticks = 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
