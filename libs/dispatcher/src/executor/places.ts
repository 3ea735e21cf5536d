interface Waiting {
  grant: () => void;
  refuse: (error: Error) => void;
}

/** The places of tools in flight in this process. Who waits is served in order of arrival. */
export class Places {
  private used = 0;
  private readonly waiting: Waiting[] = [];
  private closed: Error | undefined;

  constructor(private readonly limit: number) {}

  get inFlight(): number {
    return this.used;
  }

  /** @returns undefined when a place was free; else a promise of one, rejected when the places are closed */
  acquire(): Promise<void> | undefined {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    if (this.used < this.limit) {
      this.used++;
      return undefined;
    }
    return new Promise((grant, refuse) => {
      this.waiting.push({ grant, refuse });
    });
  }

  release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.used--;
    else next.grant();
  }

  /** Whoever waits is refused, and whoever comes. */
  close(error: Error): void {
    this.closed = error;
    for (const { refuse } of this.waiting.splice(0)) refuse(error);
  }
}
