import { type Batch, type RowValue } from './batch.js';
import { type Entry, type Table } from './table.js';
import { type Tree } from './tree.js';

export interface Range {
  /** inclusive */
  start: string;
  /** exclusive */
  end: string;
  /** rows at most; default: all */
  limit?: number;
  /** from the end; default false */
  reverse?: boolean;
}
export interface Row<V> {
  key: string;
  value: V;
}

/** Reads: the tree, with what isn't in it yet laid over it. Valid only inside the function that got it. */
export class View {
  /** the latest batch of which something was read */
  seen = 0;

  constructor(protected readonly tree: Tree) {}

  get<V extends string | Buffer>(table: Table<V>, key: string): V | undefined {
    const entry = table.entry(key);
    if (entry === undefined) return this.fromTree(table, key);
    if (entry.batch > this.seen) this.seen = entry.batch;
    return table.valueOf(entry);
  }

  /**
   * What stands for the latest write of a row that isn't in the tree yet, a deletion included: the same thing as long as
   * nobody writes it again. Undefined: the row is only in the tree, or nowhere.
   */
  writeOf<V extends string | Buffer>(table: Table<V>, key: string): object | undefined {
    const entry = table.entry(key);
    if (entry !== undefined && entry.batch > this.seen) this.seen = entry.batch;
    return entry;
  }

  /** The rows with `start <= key < end`, in order. */
  range<V extends string | Buffer>(
    table: Table<V>,
    { start, end, limit = Infinity, reverse = false }: Range,
  ): Row<V>[] {
    const before = reverse
      ? (a: string, b: string): boolean => a > b
      : (a: string, b: string): boolean => a < b;
    const laid = this.laidOver(table, start, end);
    const keys = [...laid.keys()].sort((a, b) => (before(a, b) ? -1 : 1));
    const rows: Row<V>[] = [];
    let next = 0;
    const takeUntil = (bound: string | undefined): void => {
      for (; next < keys.length && rows.length < limit; next++) {
        const key = keys[next] ?? '';
        if (bound !== undefined && !before(key, bound)) return;
        const entry = laid.get(key);
        const value = entry && table.valueOf(entry);
        if (value !== undefined) rows.push({ key, value });
      }
    };
    for (const row of this.tree.range({ start: table.name + start, end: table.name + end, reverse })) {
      const key = row.key.slice(table.name.length);
      takeUntil(key);
      if (rows.length >= limit) return rows;
      if (!laid.has(key)) rows.push({ key, value: decode(table, row.value) });
      if (rows.length >= limit) return rows;
    }
    takeUntil(undefined);
    return rows;
  }

  private fromTree<V extends string | Buffer>(table: Table<V>, key: string): V | undefined {
    const id = table.name + key;
    return (table.kind === 'text' ? this.tree.text(id) : this.tree.bytes(id)) as V | undefined;
  }

  private laidOver<V extends string | Buffer>(
    table: Table<V>,
    start: string,
    end: string,
  ): Map<string, Entry> {
    const laid = new Map<string, Entry>();
    for (const rows of [table.frozen, table.active]) {
      if (!rows) continue;
      for (const [key, entry] of rows) {
        if (key < start || key >= end) continue;
        laid.set(key, entry);
        if (entry.batch > this.seen) this.seen = entry.batch;
      }
    }
    return laid;
  }
}

const decode = <V extends string | Buffer>(table: Table<V>, value: Buffer): V =>
  (table.kind === 'text' ? value.toString('utf8') : value) as V;

/** What was there before a write of the move under way. */
interface Undo {
  rows: Map<string, Entry>;
  key: string;
  entry: Entry | undefined;
}

/** Reads and writes of one move. */
export class Transaction extends View {
  /** number of the batch that is being collected */
  number = 0;
  private undo: Undo[] = [];
  private start = 0;

  constructor(
    tree: Tree,
    private readonly batch: Batch,
  ) {
    super(tree);
  }

  /**
   * Writes a row. `fresh`: the caller knows that there is no such row; then, if it is deleted again soon, neither
   * reaches the tree.
   */
  put<V extends string | Buffer>(table: Table<V>, key: string, value: V, fresh = false): void {
    const before = table.active.get(key);
    this.write(table, key, value, before, before ? before.fresh : fresh);
  }

  /** Writes a row whose value is these parts, one after the other; text is UTF-8. */
  putParts(table: Table<Buffer>, key: string, parts: readonly (string | Buffer)[], fresh = false): void {
    const before = table.active.get(key);
    this.write(table, key, parts, before, before ? before.fresh : fresh);
  }

  del<V extends string | Buffer>(table: Table<V>, key: string): void {
    const before = table.active.get(key);
    this.write(table, key, null, before, before?.fresh ?? false);
  }

  /** Begins a move. */
  begin(number: number): void {
    this.number = number;
    this.seen = 0;
    this.start = this.batch.position;
  }

  /** Ends it; tells whether it wrote. */
  end(): boolean {
    if (this.undo.length === 0) return false;
    this.undo = [];
    return true;
  }

  /** Takes all of the move's writes back. */
  rollback(): void {
    for (const { rows, key, entry } of this.undo.reverse()) {
      if (entry) rows.set(key, entry);
      else rows.delete(key);
    }
    this.undo = [];
    this.batch.rewind(this.start);
  }

  private write<V extends string | Buffer>(
    table: Table<V>,
    key: string,
    value: RowValue,
    before: Entry | undefined,
    fresh: boolean,
  ): void {
    const entry = this.batch.add(table.name, key, value, this.number, fresh);
    this.undo.push({ rows: table.active, key, entry: before });
    table.active.set(key, entry);
  }
}
