/** A row that isn't in the tree yet. Another write of the row is another entry. */
export class Entry {
  constructor(
    private readonly short: string | null,
    private readonly slab: Buffer | null,
    private readonly at: number,
    private readonly length: number,
    /** the batch that writes it: whoever read the entry answers only when that batch is durable */
    readonly batch: number,
    /** the tree has no such row, so a deletion needs no trace there */
    readonly fresh: boolean,
  ) {}

  get deleted(): boolean {
    return this.short === null && this.slab === null;
  }

  /** Its own text; undefined: deleted. */
  get text(): string | undefined {
    if (this.short !== null) return this.short;
    return this.slab?.toString('utf8', this.at, this.at + this.length);
  }

  /** A copy: the slab will be used again. */
  get copy(): Buffer | undefined {
    return this.slab === null ? undefined : Buffer.from(this.slab.subarray(this.at, this.at + this.length));
  }

  /** The bytes as they lie; null: deleted. Valid until the entry is in the tree. */
  get bytes(): Buffer | null {
    if (this.short !== null) return Buffer.from(this.short);
    return this.slab === null ? null : this.slab.subarray(this.at, this.at + this.length);
  }
}

/**
 * A set of rows of one engine: keys of printable ASCII, ordered; values text or bytes.
 * `name`, two small letters, is the prefix of its keys on disk and never changes.
 */
export class Table<V extends string | Buffer = string | Buffer> {
  /** what was written since the last freeze */
  active = new Map<string, Entry>();
  /** what is being moved into the tree */
  frozen: Map<string, Entry> | null = null;

  constructor(
    readonly name: string,
    readonly kind: V extends string ? 'text' : 'bytes',
  ) {
    if (!/^[a-z]{2}$/.test(name))
      throw new TypeError(`table name: expected two small letters, got "${name}"`);
  }

  /** The row's entry, if it isn't only in the tree. */
  entry(key: string): Entry | undefined {
    return this.active.get(key) ?? this.frozen?.get(key);
  }

  /** What an entry of this table holds; undefined: deleted. */
  valueOf(entry: Entry): V | undefined {
    return (this.kind === 'text' ? entry.text : entry.copy) as V | undefined;
  }

  /** From now on writes go to a new map, while the old one moves into the tree. */
  freeze(): Map<string, Entry> {
    const rows = this.active;
    this.frozen = rows;
    this.active = new Map();
    return rows;
  }

  thaw(): void {
    this.frozen = null;
  }
}
