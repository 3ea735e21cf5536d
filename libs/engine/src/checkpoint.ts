import { type Batch } from './batch.js';
import { APPLIED } from './recovery.js';
import { type Journal } from './journal.js';
import { type Slabs } from './slabs.js';
import { type Table } from './table.js';
import { type Tree } from './tree.js';

/**
 * A row that is written again or deleted within this time reaches the tree once or never: claims and wake-ups mostly
 * live shorter.
 */
const PAUSE_MS = 200;
/** So many journal bytes are moved on before the pause is over. */
const EARLY_BYTES = 16 << 20;
/** Beyond this, while the tree is still busy with the rows before, moves have to wait. */
const OVERLOAD_BYTES = 256 << 20;
/** Encoding a transaction's rows takes about a millisecond of the event loop. */
const ROWS_PER_WRITE = 1000;

/**
 * Moves rows from memory into the tree, in the background. Until a freeze is wholly in the tree its rows are read from
 * memory and its batches stay in the journal: after a crash they are written again, which changes nothing.
 */
export class Checkpoint {
  private frozen: { tables: Table[]; batch: number; slabs: Buffer[] } | null = null;
  private running: Promise<void> = Promise.resolve();
  private bytes = 0;
  private last = 0;

  constructor(
    private readonly tree: Tree,
    private readonly journal: Journal,
    private readonly collecting: Batch,
    private readonly slabs: Slabs,
  ) {}

  /** The journal grew. */
  added(bytes: number): void {
    this.bytes += bytes;
  }

  get overloaded(): boolean {
    return this.frozen !== null && this.bytes > OVERLOAD_BYTES;
  }

  /**
   * If it is time, takes all rows in memory, which are those up to and with `batch`; {@link apply} follows when the
   * journal's flush of that batch is done. Tells whether it took any.
   */
  freeze(tables: Iterable<Table>, batch: number): boolean {
    if (this.frozen || (this.bytes < EARLY_BYTES && performance.now() - this.last < PAUSE_MS)) return false;
    return this.take(tables, batch);
  }

  /** Writes what was frozen. After an error the rows stay in memory. */
  apply(): Promise<void> {
    this.running = this.write();
    return this.running;
  }

  /** Moves everything, at once. */
  async finish(tables: Iterable<Table>, batch: number): Promise<void> {
    await this.idle();
    if (this.take(tables, batch)) await this.apply();
  }

  /** Resolves, never rejects, when nothing is being written. */
  idle(): Promise<void> {
    return this.running.catch(() => undefined);
  }

  private take(tables: Iterable<Table>, batch: number): boolean {
    const taken = [...tables].filter((table) => table.active.size > 0);
    if (taken.length === 0) return false;
    for (const table of taken) table.freeze();
    this.frozen = { tables: taken, batch, slabs: this.collecting.leave() };
    this.bytes = 0;
    return true;
  }

  private async write(): Promise<void> {
    if (!this.frozen) return;
    const { tables, batch, slabs } = this.frozen;
    let rows: [string, string | Buffer | null][] = [];
    for (const table of tables) {
      for (const [key, entry] of table.frozen ?? []) {
        if (entry.deleted && entry.fresh) continue;
        rows.push([table.name + key, entry.bytes]);
        if (rows.length < ROWS_PER_WRITE) continue;
        await this.tree.write(rows);
        rows = [];
      }
    }
    await this.tree.write([...rows, [APPLIED, String(batch)]]);
    for (const table of tables) table.thaw();
    this.slabs.giveBack(slabs);
    this.frozen = null;
    this.last = performance.now();
    this.journal.trim(batch);
  }
}
