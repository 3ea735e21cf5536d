interface Waiting {
  order: number;
  grant: () => void;
  refuse: (error: Error) => void;
}

interface ToolPlaces {
  used: number;
  limit: number;
  waiting: Waiting[];
}

/**
 * The places of tools in flight: so many per process, and per tool where it says so. Who waits is served in order of
 * arrival, but nobody waits for a tool that is full when a place for another is free.
 */
export class Slots {
  private used = 0;
  private arrivals = 0;
  private closed: Error | undefined;
  private readonly tools = new Map<string, ToolPlaces>();
  /** tools that somebody waits for */
  private readonly crowded = new Set<ToolPlaces>();

  constructor(private readonly limit: number) {}

  get inFlight(): number {
    return this.used;
  }

  /** @returns undefined when the place was free; else a promise of it, rejected when the slots are closed */
  acquire(tool: string, limit = Infinity): Promise<void> | undefined {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    const places = this.placesOf(tool, limit);
    if (this.used < this.limit && places.used < places.limit && places.waiting.length === 0) {
      this.used++;
      places.used++;
      return undefined;
    }
    this.crowded.add(places);
    return new Promise((grant, refuse) => {
      places.waiting.push({ order: this.arrivals++, grant, refuse });
    });
  }

  release(tool: string): void {
    const places = this.tools.get(tool);
    if (places === undefined) return;
    this.used--;
    places.used--;
    this.serve();
  }

  /** Whoever waits is refused, and whoever comes. */
  close(error: Error): void {
    this.closed = error;
    for (const places of this.crowded) for (const { refuse } of places.waiting.splice(0)) refuse(error);
    this.crowded.clear();
  }

  private placesOf(tool: string, limit: number): ToolPlaces {
    let places = this.tools.get(tool);
    if (places === undefined) {
      places = { used: 0, limit, waiting: [] };
      this.tools.set(tool, places);
    }
    return places;
  }

  private serve(): void {
    while (this.used < this.limit) {
      let next: ToolPlaces | undefined;
      for (const places of this.crowded) {
        if (places.used >= places.limit) continue;
        if (next === undefined || (places.waiting[0]?.order ?? 0) < (next.waiting[0]?.order ?? 0))
          next = places;
      }
      const first = next?.waiting.shift();
      if (next === undefined || first === undefined) return;
      if (next.waiting.length === 0) this.crowded.delete(next);
      this.used++;
      next.used++;
      first.grant();
    }
  }
}
