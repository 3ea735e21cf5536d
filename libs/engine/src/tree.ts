import { open, type RootDatabase } from 'lmdb';

/** What lmdb offers and its type declarations leave out. */
interface Reads {
  getString(key: string): string | undefined;
}
type Database = RootDatabase<Buffer, string> & Reads;

export interface TreeRange {
  /** inclusive */
  start: string;
  /** exclusive */
  end: string;
  reverse: boolean;
}

// Keys are ASCII, one byte a character: cheaper than lmdb's ordered encoding of arbitrary values.
const keyEncoder = {
  writeKey(key: string | Buffer, target: Buffer, start: number): number {
    // lmdb's own lowest key, the end of a range that goes down
    if (typeof key !== 'string') {
      target.set(key, start);
      return start + key.length;
    }
    for (let i = 0; i < key.length; i++) target[start + i] = key.charCodeAt(i);
    return start + key.length;
  },
  readKey: (source: Buffer, start: number, end: number): string => source.toString('latin1', start, end),
};

/** The sorted rows on disk: an LMDB file whose transactions are flushed when they are committed. */
export class Tree {
  private constructor(private readonly database: Database) {}

  static open(file: string): Tree {
    const database = open<Buffer, string>({
      path: file,
      noSubdir: true,
      encoding: 'binary',
      keyEncoder,
      // a row that the journal no longer has must be on the disk: no commit without its flush
      overlappingSync: false,
    });
    return new Tree(database as Database);
  }

  text(key: string): string | undefined {
    return this.database.getString(key);
  }

  bytes(key: string): Buffer | undefined {
    return this.database.getBinary(key);
  }

  /** In order. Must be run to its end, or left with `break`, within one turn of the event loop. */
  *range({ start, end, reverse }: TreeRange): Iterable<{ key: string; value: Buffer }> {
    for (const row of this.database.getRange({ start: reverse ? end : start, reverse })) {
      if (reverse ? row.key < start : row.key >= end) return;
      // going down begins at the bound itself, which is not part of the range
      if (row.key < end) yield row;
    }
  }

  /** One transaction; null deletes. Resolves when it is on the disk. */
  async write(rows: readonly (readonly [key: string, value: string | Buffer | null])[]): Promise<void> {
    const { database } = this;
    const done = await database.batch(() => {
      for (const [key, value] of rows) {
        if (value === null) void database.remove(key);
        else void database.put(key, typeof value === 'string' ? Buffer.from(value) : value);
      }
    });
    if (!done) throw new Error('lmdb refused the batch');
    // whoever drops its own copy of these rows now must see them here
    database.resetReadTxn();
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}
