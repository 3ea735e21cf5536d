/** A session that is looked at again does so within some turns of the event loop; a sleeping one holds nothing. */
const TURN_MS = 500;
const MOST_CHARS = 8 << 20;

/**
 * What was used within the last moments, by session: two generations, of which the older one is forgotten when a turn
 * is over, or when the younger one is full.
 */
export class Recent<T> {
  private young = new Map<string, T>();
  private old = new Map<string, T>();
  private chars = 0;
  private timer: NodeJS.Timeout | null = null;

  get(session: string): T | undefined {
    return this.young.get(session) ?? this.old.get(session);
  }

  /** @param size characters that it takes, about */
  keep(session: string, value: T, size: number): void {
    this.young.set(session, value);
    // an upper bound: a session that is kept again counts again
    this.chars += size;
    if (this.chars > MOST_CHARS) this.turn();
    else this.timer ??= setTimeout(this.onTimer, TURN_MS).unref();
  }

  forget(session: string): void {
    this.young.delete(session);
    this.old.delete(session);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
    this.chars = 0;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private readonly onTimer = (): void => {
    this.timer = null;
    this.turn();
    if (this.old.size > 0) this.timer = setTimeout(this.onTimer, TURN_MS).unref();
  };

  private turn(): void {
    this.old = this.young;
    this.young = new Map();
    this.chars = 0;
  }
}
