/** The numbers of a scrape, by name and labels as they are written: `name` or `name{a="b"}`. */
export class Scrape {
  private readonly values = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, key, value] = /^([a-zA-Z_:][^ {]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) this.values.set(key, Number(value));
    }
  }

  /** 0 where nothing was told */
  of(name: string, labels: Record<string, string> = {}): number {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return this.values.get(pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`) ?? 0;
  }

  has(name: string): boolean {
    return [...this.values.keys()].some((key) => key === name || key.startsWith(`${name}{`));
  }

  /** Of all label values together. */
  sum(name: string): number {
    let sum = 0;
    for (const [key, value] of this.values) if (key === name || key.startsWith(`${name}{`)) sum += value;
    return sum;
  }
}

export const scrape = async (url: string): Promise<Scrape> => {
  const response = await fetch(`${url}/metrics`);
  if (response.status !== 200) throw new Error(`GET /metrics: ${response.status} ${await response.text()}`);
  return new Scrape(await response.text());
};
