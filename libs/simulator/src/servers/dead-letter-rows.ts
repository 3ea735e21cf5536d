import { type DeadLetter, type Redrive } from '#contracts';
import { type DeadLetterPage, type DeadLetterQuery, invalidCursor, type KeptDeadLetter } from '#state';

interface Row {
  letter: DeadLetter;
  value: Buffer | null;
  redriven: readonly Redrive[];
}

const CURSOR = /^(\d+)\|(.+)$/s;

/** The dead letters of a server. */
export class DeadLetterRows {
  private readonly rows = new Map<string, Row>();
  /** is told of each one that is new */
  onPut: (letter: DeadLetter) => void = () => undefined;

  /** @param now the server's clock @param retentionMs how long a letter is kept */
  constructor(
    readonly now: () => number,
    private readonly retentionMs: number,
  ) {}

  put(letter: Omit<DeadLetter, 'at'>, value: Buffer | null): DeadLetter {
    const before = this.rows.get(letter.id);
    if (before !== undefined) return before.letter;
    const whole: DeadLetter = { ...letter, at: this.now() };
    this.rows.set(letter.id, { letter: whole, value, redriven: [] });
    this.onPut(whole);
    return whole;
  }

  get(id: string): Row | null {
    const row = this.rows.get(id);
    return row === undefined || row.letter.at < this.now() - this.retentionMs ? null : row;
  }

  all(): DeadLetter[] {
    return [...this.rows.values()].map(({ letter }) => letter);
  }

  /** Newest first. Errors: `invalid_cursor` */
  list(query: DeadLetterQuery): DeadLetterPage {
    const isAfter = afterCursor(query.cursor);
    const found = [...this.rows.values()]
      .map(({ letter, redriven }): KeptDeadLetter => ({ letter, redriven: [...redriven] }))
      .filter((kept) => this.get(kept.letter.id) !== null && matches(kept, query) && isAfter(kept.letter))
      .sort(({ letter: a }, { letter: b }) => b.at - a.at || (a.id < b.id ? 1 : -1));
    const letters = found.slice(0, query.limit);
    const last = letters.at(-1)?.letter;
    if (last === undefined || found.length <= query.limit) return { letters };
    return { letters, nextCursor: Buffer.from(`${last.at}|${last.id}`).toString('base64url') };
  }

  markRedriven(id: string, redrive: Omit<Redrive, 'at'>): Redrive {
    const whole: Redrive = { ...redrive, at: this.now() };
    const row = this.rows.get(id);
    if (row !== undefined) this.rows.set(id, { ...row, redriven: [...row.redriven, whole] });
    return whole;
  }
}

const matches = ({ letter, redriven }: KeptDeadLetter, query: DeadLetterQuery): boolean =>
  letter.tenant === query.tenant &&
  (query.reason === undefined || letter.reason === query.reason) &&
  (query.topic === undefined || letter.topic === query.topic) &&
  (query.sessionId === undefined || letter.session_id === query.sessionId) &&
  (query.redriven === undefined || redriven.length > 0 === query.redriven);

const afterCursor = (cursor: string | undefined): ((letter: DeadLetter) => boolean) => {
  if (cursor === undefined) return () => true;
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (at === undefined || id === undefined) throw invalidCursor(cursor);
  const time = Number(at);
  return (letter) => letter.at < time || (letter.at === time && letter.id < id);
};
