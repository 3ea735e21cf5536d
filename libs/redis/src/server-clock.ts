/** After so long the offset is asked for again; until then two good clocks drift apart by less than a millisecond. */
const REFRESH_MS = 10_000;

/** The server's clock, from an offset to this process's monotonic one: one question serves many readings. */
export class ServerClock {
  private offset: number | undefined;
  private askedAt = 0;
  private asking: Promise<number> | undefined;

  /** @param ask the server's time, ms */
  constructor(private readonly ask: () => Promise<number>) {}

  async now(): Promise<number> {
    if (this.offset === undefined || performance.now() - this.askedAt > REFRESH_MS) {
      this.asking ??= this.measure().finally(() => (this.asking = undefined));
      await this.asking;
    }
    return Math.floor(performance.now() + (this.offset ?? 0));
  }

  /** Ask again at the next reading: another server may answer now. */
  forget(): void {
    this.offset = undefined;
  }

  /** The server read its clock between sending and answer: in the middle, as far as anyone knows. */
  private async measure(): Promise<number> {
    const sent = performance.now();
    const time = await this.ask();
    this.askedAt = performance.now();
    this.offset = time - (sent + this.askedAt) / 2;
    return this.offset;
  }
}
