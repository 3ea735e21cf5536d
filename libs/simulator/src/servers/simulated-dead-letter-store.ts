import { type DeadLetter, DormouseError, type Redrive } from '#contracts';
import { type DeadLetterPage, type DeadLetterQuery, DeadLetterStore, type KeptDeadLetter } from '#state';
import type { DeadLetterRows } from './dead-letter-rows.js';
import { copyOf, type Line } from './line.js';

/** A process's way to the dead letters of a simulated server. */
export class SimulatedDeadLetterStore extends DeadLetterStore {
  private closed = false;

  constructor(
    private readonly server: DeadLetterRows,
    private readonly line: Line,
  ) {
    super();
  }

  put(letter: Omit<DeadLetter, 'at'>, value: Buffer | null): Promise<DeadLetter> {
    const given = copyOf(letter);
    const bytes = value === null ? null : Buffer.from(value);
    return this.call(`put ${letter.id}`, () => copyOf(this.server.put(given, bytes)));
  }

  list(query: DeadLetterQuery): Promise<DeadLetterPage> {
    return this.call('list dead letters', () => copyOf(this.server.list(query)));
  }

  get(id: string): Promise<(KeptDeadLetter & { value: Buffer | null }) | null> {
    return this.call(`get ${id}`, () => {
      const row = this.server.get(id);
      if (row === null) return null;
      const { letter, redriven, value } = row;
      return {
        ...copyOf({ letter, redriven: [...redriven] }),
        value: value === null ? null : Buffer.from(value),
      };
    });
  }

  markRedriven(id: string, redrive: Omit<Redrive, 'at'>): Promise<Redrive> {
    return this.call(`markRedriven ${id}`, () => this.server.markRedriven(id, redrive));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private call<T>(what: string, effect: () => T): Promise<T> {
    if (this.closed)
      return Promise.reject(
        new DormouseError('closed', 'expected an open store of dead letters, but it was closed'),
      );
    return this.line.call(what, effect);
  }
}
