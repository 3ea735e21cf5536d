/** Upper bounds in seconds for what takes from a millisecond to half an hour. */
export const DURATION_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800,
] as const;
/** The same for sessions, which may sleep for days. */
export const LIFETIME_BOUNDS = [
  0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1_800, 3_600, 21_600, 86_400, 604_800,
] as const;

/** Counts observed values by size. Plain numbers: observing allocates nothing, reading is for whoever scrapes. */
export class Histogram {
  sum = 0;
  count = 0;
  private readonly buckets: number[];

  /** @param bounds ascending; a value belongs to the first that isn't below it */
  constructor(readonly bounds: readonly number[] = DURATION_BOUNDS) {
    this.buckets = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const { bounds, buckets } = this;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] ?? Infinity)) {
        buckets[i] = (buckets[i] ?? 0) + 1;
        return;
      }
    }
  }

  /** How many values were at or below each bound. */
  cumulative(): number[] {
    let below = 0;
    return this.buckets.map((own) => (below += own));
  }
}

/** One histogram for each value of a label; whoever observes sees to it that there are few of them. */
export class Histograms {
  private readonly byLabel = new Map<string, Histogram>();

  constructor(readonly bounds: readonly number[] = DURATION_BOUNDS) {}

  observe(label: string, value: number): void {
    let histogram = this.byLabel.get(label);
    if (histogram === undefined) {
      histogram = new Histogram(this.bounds);
      this.byLabel.set(label, histogram);
    }
    histogram.observe(value);
  }

  entries(): IterableIterator<[label: string, histogram: Histogram]> {
    return this.byLabel.entries();
  }
}
