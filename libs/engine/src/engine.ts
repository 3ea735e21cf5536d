import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Ack, DormouseError } from '#contracts';
import { Batch } from './batch.js';
import { Checkpoint } from './checkpoint.js';
import { brokenError, closedError, folderError } from './engine.errors.js';
import { type Durability, type EngineOptions } from './engine.options.js';
import { FolderLock } from './folder-lock.js';
import { Journal, type JournalCounts, syncFolder } from './journal.js';
import { recover, type Recovery } from './recovery.js';
import { Slabs } from './slabs.js';
import { Table } from './table.js';
import { Tree } from './tree.js';
import { Transaction, View } from './view.js';

const SEGMENT_BYTES = 64 << 20;
/** Half of what `process` promises: a flush may take as long again. */
const SYNC_AFTER_MS = 50;

/** Those who wait for one batch. */
interface Waiter {
  resolve(): void;
  reject(error: DormouseError): void;
}
interface Sealed {
  number: number;
  waiters: Waiter[];
}

/**
 * The durable storage of one process: ordered rows in a folder, changed by atomic moves.
 *
 * Promises
 * - A move runs at once and alone; what it writes is there wholly or not at all, also after a crash.
 * - A move or read that resolved outlives what `durability` says, and so does everything that it saw.
 * - Moves become durable in the order in which they ran.
 * - One process has the folder at a time.
 * Not promised: that a move that rejected with `unavailable` did not happen.
 *
 * After a write error it takes nothing more (`failed` resolves): what the disk has is only known after the next start.
 */
export class Engine {
  /** Resolves, never rejects, when the engine has stopped for good because of an error: the process should end. */
  readonly failed: Promise<DormouseError>;
  private readonly tables = new Map<string, Table>();
  private readonly slabs = new Slabs();
  private readonly batch = new Batch(this.slabs);
  private readonly transaction: Transaction;
  private readonly view: View;
  private readonly checkpoint: Checkpoint;

  private stopped: DormouseError | null = null;
  private tellFailed!: (error: DormouseError) => void;
  private collecting: number;
  private durable: number;
  private waiters: Waiter[] = [];
  /** appended and not flushed yet (`power` only) */
  private sealed: Sealed[] = [];
  private flushing: Promise<void> | null = null;
  private released: Promise<void> | null = null;
  /** the tree has everything */
  private clean = false;
  private scheduled = false;
  private moving = false;
  private timer: NodeJS.Timeout | null = null;
  private lastNow = 0;

  private constructor(
    readonly dir: string,
    readonly durability: Durability,
    private readonly clock: () => number,
    private readonly lock: FolderLock,
    private readonly tree: Tree,
    private readonly journal: Journal,
    /** what the start found */
    readonly recovery: Recovery,
  ) {
    this.failed = new Promise((resolve) => (this.tellFailed = resolve));
    this.durable = recovery.batch;
    this.collecting = recovery.batch + 1;
    this.transaction = new Transaction(tree, this.batch);
    this.view = new View(tree);
    this.checkpoint = new Checkpoint(tree, journal, this.batch, this.slabs);
  }

  /**
   * Takes the folder and recovers what a crash left.
   * @throws DormouseError `data_dir_in_use`, `invalid_settings`, `newer_version`, `internal` (damaged)
   */
  static async open(options: EngineOptions): Promise<Engine> {
    let dir = options.dir;
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      dir = realpathSync(dir);
    } catch (error) {
      throw folderError(options.dir, 'can not be made', error);
    }
    const lock = await FolderLock.take(dir);
    let tree: Tree | undefined;
    try {
      tree = Tree.open(join(dir, 'rows.mdb'));
      const recovery = await recover(dir, tree);
      const journal = new Journal(dir, recovery.segment, options.segmentBytes ?? SEGMENT_BYTES);
      syncFolder(dir);
      const clock = options.clock ?? Date.now;
      return new Engine(dir, options.durability ?? 'process', clock, lock, tree, journal, recovery);
    } catch (error) {
      await tree?.close();
      await lock.release();
      throw DormouseError.is(error) ? error : folderError(dir, 'can not be opened', error);
    }
  }

  /** Its name among the journals of the process, for the ports' capabilities. */
  get journalName(): string {
    return this.dir;
  }

  get counts(): Readonly<JournalCounts> {
    return this.journal.counts;
  }

  /** The clock, ms; never goes back within the process. */
  now(): number {
    const now = this.clock();
    if (now > this.lastNow) this.lastNow = now;
    return this.lastNow;
  }

  /** The table of that name (two small letters) with text values; made when first written to. */
  text(name: string): Table<string> {
    return this.table<string>(name, 'text');
  }

  /** The table of that name with binary values. */
  bytes(name: string): Table<Buffer> {
    return this.table<Buffer>(name, 'bytes');
  }

  /**
   * Runs `fn` at once, on the state that all moves before it left, and resolves with its answer when what it wrote and
   * what it read is durable. If `fn` throws, it has written nothing and its error comes back.
   * @param ack `ordered`: what was written is answered at once; see {@link Ack}
   * @throws DormouseError `unavailable` (may have happened or not), `closed`
   */
  move<T>(fn: (tx: Transaction) => T, ack: Ack = 'durable'): Promise<T> {
    if (this.stopped) return Promise.reject(this.stopped);
    const tx = this.transaction;
    if (this.moving) return Promise.reject(new TypeError('a move must not begin another one'));
    this.moving = true;
    tx.begin(this.collecting);
    let answer: T;
    try {
      answer = fn(tx);
    } catch (error) {
      tx.rollback();
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.moving = false;
    }
    if (tx.end()) {
      this.schedule();
      return ack === 'ordered' ? Promise.resolve(answer) : this.when(this.collecting, answer);
    }
    return this.when(tx.seen, answer);
  }

  /** Like a move that writes nothing. */
  read<T>(fn: (view: View) => T): Promise<T> {
    if (this.stopped) return Promise.reject(this.stopped);
    this.view.seen = 0;
    try {
      const answer = fn(this.view);
      return this.when(this.view.seen, answer);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Reads without waiting; only for rows that the caller knows to be durable, and answers that don't leave the process.
   * @throws DormouseError `unavailable`, `closed`
   */
  peek<T>(fn: (view: View) => T): T {
    if (this.stopped) throw this.stopped;
    return fn(this.view);
  }

  /** Resolves when every move so far is durable. */
  async settled(): Promise<void> {
    if (this.stopped) throw this.stopped;
    await this.when(this.batch.empty ? this.collecting - 1 : this.collecting, undefined);
  }

  /** Makes everything durable, moves it into the tree and gives the folder free. Later calls reject with `closed`. */
  async close(): Promise<void> {
    if (!this.stopped) {
      this.stopped = closedError();
      try {
        await this.quiet();
        this.write();
        await this.journal.sync();
        this.becomeDurable(this.collecting - 1);
        await this.checkpoint.finish(this.tables.values(), this.collecting - 1);
        this.clean = true;
      } catch (error) {
        this.fail(brokenError('writing the last rows', error));
      }
    }
    await this.release();
  }

  /**
   * Stops as a crash would: what isn't acknowledged is dropped (its moves reject with `closed`), nothing is flushed.
   * The folder can be opened again afterwards. For tests of what a crash leaves.
   */
  async abandon(): Promise<void> {
    this.stopped ??= closedError();
    this.rejectAll(this.stopped);
    await this.release();
  }

  private release(): Promise<void> {
    this.released ??= (async () => {
      if (this.timer) clearTimeout(this.timer);
      await this.quiet();
      await this.journal.close();
      await this.tree.close();
      if (this.clean) this.journal.remove();
      await this.lock.release();
    })();
    return this.released;
  }

  /** Resolves when no other thread uses our files. */
  private async quiet(): Promise<void> {
    while (this.flushing) await this.flushing;
    await this.checkpoint.idle();
  }

  private table<V extends string | Buffer>(name: string, kind: 'text' | 'bytes'): Table<V> {
    let table = this.tables.get(name);
    if (!table) this.tables.set(name, (table = new Table(name, kind)));
    if (table.kind !== kind) throw new TypeError(`table ${name} holds ${table.kind}, not ${kind}`);
    return table as unknown as Table<V>;
  }

  private when<T>(batch: number, answer: T): Promise<T> {
    if (batch <= this.durable) return Promise.resolve(answer);
    const waiters = this.sealed.find(({ number }) => number >= batch)?.waiters ?? this.waiters;
    return new Promise((resolve, reject) => {
      waiters.push({ resolve: () => resolve(answer), reject });
    });
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.appendLater);
  }

  // after the events of this turn of the loop: their moves share one write
  private readonly appendLater = (): void => {
    this.scheduled = false;
    this.append();
  };

  private append(): void {
    if (this.stopped || this.batch.empty) return;
    // the tree is far behind: moves wait, or the memory would fill
    if (this.checkpoint.overloaded) {
      void this.checkpoint.idle().then(this.appendLater);
      return;
    }
    try {
      this.write();
    } catch (error) {
      this.fail(brokenError('writing the journal', error));
      return;
    }
    if (this.durability === 'power') this.flush();
    else {
      this.becomeDurable(this.collecting - 1);
      this.arm();
    }
  }

  /** Puts the collected batch into the journal. */
  private write(): void {
    if (this.batch.empty) return;
    if (this.journal.full) this.journal.rotate(this.collecting - 1);
    const bytes = this.batch.seal(this.collecting);
    this.journal.append(bytes);
    this.checkpoint.added(bytes.length);
    this.batch.clear();
    this.sealed.push({ number: this.collecting++, waiters: this.waiters });
    this.waiters = [];
  }

  private becomeDurable(number: number): void {
    if (number > this.durable) this.durable = number;
    while (this.sealed[0] && this.sealed[0].number <= number) {
      for (const waiter of this.sealed.shift()?.waiters ?? []) waiter.resolve();
    }
  }

  private arm(): void {
    this.timer ??= setTimeout(this.onTimer, SYNC_AFTER_MS).unref();
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    this.append();
    this.flush();
  };

  /** Puts the journal on the disk. One flush at a time; what comes meanwhile shares the next. */
  private flush(): void {
    if (this.flushing || this.stopped) return;
    const number = this.collecting - 1;
    // all rows in memory are in the journal when nothing is collected
    const froze = this.batch.empty && this.checkpoint.freeze(this.tables.values(), number);
    this.flushing = this.journal.sync().then(
      () => {
        this.flushing = null;
        this.becomeDurable(number);
        if (froze) this.checkpoint.apply().catch(this.onCheckpointError);
        if (this.collecting - 1 === number) return;
        if (this.durability === 'power') this.flush();
        else this.arm();
      },
      (error: unknown) => {
        this.flushing = null;
        this.fail(brokenError('flushing the journal', error));
      },
    );
  }

  private readonly onCheckpointError = (error: unknown): void =>
    this.fail(brokenError('writing the rows', error));

  private fail(error: DormouseError): void {
    // the first error is the cause of the others
    if (this.stopped?.code === 'unavailable') return;
    this.stopped = error;
    this.rejectAll(error);
    this.tellFailed(error);
  }

  private rejectAll(error: DormouseError): void {
    const waiting = [...this.sealed.flatMap(({ waiters }) => waiters), ...this.waiters];
    this.sealed = [];
    this.waiters = [];
    for (const waiter of waiting) waiter.reject(error);
  }
}
