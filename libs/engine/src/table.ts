/** A row that isn't in the tree yet; `value` null: deleted. */
export interface Entry<V extends string | Buffer = string | Buffer> {
  value: V | null;
  /** the batch that writes it: whoever read the entry answers only when that batch is durable */
  batch: number;
  /** the tree has no such row, so a deletion needs no trace there */
  fresh: boolean;
}

/**
 * A set of rows of one engine: keys of printable ASCII, ordered; values text or bytes.
 * `name`, two small letters, is the prefix of its keys on disk and never changes.
 */
export class Table<V extends string | Buffer = string | Buffer> {
  /** what was written since the last freeze */
  active = new Map<string, Entry<V>>();
  /** what is being moved into the tree */
  frozen: Map<string, Entry<V>> | null = null;

  constructor(
    readonly name: string,
    readonly kind: V extends string ? 'text' : 'bytes',
  ) {
    if (!/^[a-z]{2}$/.test(name))
      throw new TypeError(`table name: expected two small letters, got "${name}"`);
  }

  /** The row's entry, if it isn't only in the tree. */
  entry(key: string): Entry<V> | undefined {
    return this.active.get(key) ?? this.frozen?.get(key);
  }

  /** From now on writes go to a new map, while the old one moves into the tree. */
  freeze(): Map<string, Entry<V>> {
    const rows = this.active;
    this.frozen = rows;
    this.active = new Map();
    return rows;
  }

  thaw(): void {
    this.frozen = null;
  }
}
