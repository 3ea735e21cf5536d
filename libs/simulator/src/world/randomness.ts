/**
 * Numbers that a seed repeats (sfc32, https://pracrand.sourceforge.net). Seeds beside each other give unlike numbers.
 */
export class Randomness {
  private a = 0x9e3779b9;
  private b = 0x243f6a88;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    this.c = seed | 0;
    this.a ^= Math.floor(seed / 4_294_967_296);
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** At least 0, below 1. */
  next = (): number => this.bits() / 4_294_967_296;

  /** A whole number; both ends may come. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** @throws RangeError of nothing nothing can be picked */
  pick<T>(of: readonly T[]): T {
    const picked = of[this.int(0, of.length - 1)];
    if (picked === undefined) throw new RangeError('expected something to pick from');
    return picked;
  }

  /** By weight: `{ often: 5, rare: 1 }`. */
  weighed<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return this.pick(entries)[0];
  }

  private bits(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + sum) | 0;
    return sum >>> 0;
  }
}
