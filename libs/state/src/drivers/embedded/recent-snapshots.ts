import { RECORD_VERSION, type Snapshot } from '#contracts';

interface Recent {
  /** the head row that says what the snapshot says */
  head: string;
  snapshot: Snapshot;
  /** characters of the session's rows */
  size: number;
}

/** A session that is looked at again does so within some turns of the event loop; a sleeping one holds nothing. */
const TURN_MS = 500;
const MOST_CHARS = 8 << 20;

/**
 * Snapshots as they were last written or read, which need not be parsed again. One counts only for the very row that it
 * was made with, so a write that is taken back, or another's, can't be missed. Two generations: what isn't asked for
 * within a turn is forgotten with the next.
 */
export class RecentSnapshots {
  private young = new Map<string, Recent>();
  private old = new Map<string, Recent>();
  private chars = 0;
  private timer: NodeJS.Timeout | null = null;

  /** @param session its part of a key @param head the row that is stored now */
  get(session: string, head: string): Snapshot | undefined {
    return this.find(session, head)?.snapshot;
  }

  /** `size`: characters of all its rows. */
  add(session: string, head: string, snapshot: Snapshot, size: number): void {
    if (snapshot.v <= RECORD_VERSION) this.keep(session, { head, snapshot, size });
  }

  /** The next snapshot of a session whose latest is here; otherwise, and when it has ended, nothing is kept. */
  follow(session: string, before: string, head: string, snapshot: Snapshot, ended: boolean): void {
    const known = this.find(session, before);
    if (known === undefined || ended) {
      this.forget(session);
      return;
    }
    const { fixed } = known.snapshot;
    const next = snapshot.fixed === fixed ? snapshot : { ...snapshot, fixed };
    this.keep(session, { head, snapshot: next, size: known.size - before.length + head.length });
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

  private find(session: string, head: string): Recent | undefined {
    const found = this.young.get(session) ?? this.old.get(session);
    if (found?.head !== head) return undefined;
    return found;
  }

  private keep(session: string, recent: Recent): void {
    this.young.set(session, recent);
    // an upper bound: a session that is written again counts again
    this.chars += recent.size;
    if (this.chars > MOST_CHARS) this.turn();
    else this.timer ??= setTimeout(this.onTimer, TURN_MS).unref();
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
