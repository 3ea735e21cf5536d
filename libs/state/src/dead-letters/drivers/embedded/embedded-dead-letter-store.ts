import { type DeadLetter, DormouseError, type Redrive } from '#contracts';
import { type Engine, keyPart, type Table, timePart, type Transaction, under, type View } from '#engine';
import { cursorOf, placeOfCursor } from '../../../list-place.js';
import { matches, placeIn, shareOf } from '../../page.js';
import {
  type DeadLetterPage,
  type DeadLetterQuery,
  DeadLetterStore,
  type KeptDeadLetter,
} from '../../port.js';

/** Letters dropped with each one that comes, when they are older than the retention time. */
const DROPPED_WITH_EACH = 4;

interface Tables {
  /** by letter: {@link DeadLetter} */
  letters: Table<string>;
  /** by letter: the record's value; none: it had none */
  values: Table<Buffer>;
  /** by letter and number: {@link Redrive} */
  redrives: Table<string>;
  /** by tenant, time and letter: the letter */
  places: Table<string>;
}

/** Dead letters in the embedded engine. */
export class EmbeddedDeadLetterStore extends DeadLetterStore {
  private readonly tables: Tables;
  private closed = false;

  /** The engine stays its owner's to close. @param retentionMs how long a letter is kept */
  constructor(
    private readonly engine: Engine,
    private readonly retentionMs: number,
  ) {
    super();
    this.tables = {
      letters: engine.text('dl'),
      values: engine.bytes('dv'),
      redrives: engine.text('dr'),
      places: engine.text('dp'),
    };
  }

  put(letter: Omit<DeadLetter, 'at'>, value: Buffer | null): Promise<DeadLetter> {
    return this.move((tx) => {
      const id = keyPart(letter.id);
      const before = tx.get(this.tables.letters, id);
      if (before !== undefined) return JSON.parse(before) as DeadLetter;
      const now = this.engine.now();
      this.dropOld(tx, letter.tenant, now);
      const whole: DeadLetter = { ...letter, at: now };
      tx.put(this.tables.letters, id, JSON.stringify(whole), true);
      // a copy: the bytes stay the caller's to change
      if (value !== null) tx.put(this.tables.values, id, Buffer.from(value), true);
      tx.put(this.tables.places, placeKey(letter.tenant, now, id), id, true);
      return whole;
    });
  }

  list(query: DeadLetterQuery): Promise<DeadLetterPage> {
    return this.read((view) => this.page(view, query));
  }

  get(id: string): Promise<(KeptDeadLetter & { value: Buffer | null }) | null> {
    return this.read((view) => {
      const kept = this.kept(view, keyPart(id));
      if (kept === null) return null;
      const value = view.get(this.tables.values, keyPart(id));
      return { ...kept, value: value === undefined ? null : Buffer.from(value) };
    });
  }

  markRedriven(id: string, redrive: Omit<Redrive, 'at'>): Promise<Redrive> {
    return this.move((tx) => {
      const key = keyPart(id);
      const whole: Redrive = { ...redrive, at: this.engine.now() };
      if (tx.get(this.tables.letters, key) === undefined) return whole;
      const n = tx.range(this.tables.redrives, under(key)).length;
      tx.put(this.tables.redrives, `${key}|${timePart(n)}`, JSON.stringify(whole), true);
      return whole;
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private page(view: View, query: DeadLetterQuery): DeadLetterPage {
    const prefix = `${keyPart(query.tenant)}|`;
    const most = shareOf(query);
    const rows = view.range(this.tables.places, {
      start: prefix + timePart(this.engine.now() - this.retentionMs),
      end: prefix + (query.cursor === undefined ? '|' : placeOfCursor(query.cursor)),
      limit: most + 1,
      reverse: true,
    });
    const letters: KeptDeadLetter[] = [];
    for (const [i, { value }] of rows.entries()) {
      if (i === most || letters.length === query.limit)
        return { letters, nextCursor: cursorOf((rows[i - 1]?.key ?? '').slice(prefix.length)) };
      const kept = this.kept(view, value);
      if (kept !== null && matches(kept, query)) letters.push(kept);
    }
    return { letters };
  }

  private kept(view: View, id: string): KeptDeadLetter | null {
    const text = view.get(this.tables.letters, id);
    if (text === undefined) return null;
    const letter = JSON.parse(text) as DeadLetter;
    if (letter.at < this.engine.now() - this.retentionMs) return null;
    const rows = view.range(this.tables.redrives, under(id));
    return { letter, redriven: rows.map(({ value }) => JSON.parse(value) as Redrive) };
  }

  private dropOld(tx: Transaction, tenant: string, now: number): void {
    const { letters, values, redrives, places } = this.tables;
    const prefix = `${keyPart(tenant)}|`;
    const old = { start: prefix, end: prefix + timePart(now - this.retentionMs), limit: DROPPED_WITH_EACH };
    for (const { key, value: id } of tx.range(places, old)) {
      tx.del(places, key);
      tx.del(letters, id);
      tx.del(values, id);
      for (const row of tx.range(redrives, under(id))) tx.del(redrives, row.key);
    }
  }

  private move<T>(fn: (tx: Transaction) => T): Promise<T> {
    return this.closed ? Promise.reject(closedError()) : this.engine.move(fn);
  }

  private read<T>(fn: (view: View) => T): Promise<T> {
    return this.closed ? Promise.reject(closedError()) : this.engine.read(fn);
  }
}

const placeKey = (tenant: string, at: number, id: string): string => `${keyPart(tenant)}|${placeIn(at, id)}`;

const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open store of dead letters, but it was closed');
