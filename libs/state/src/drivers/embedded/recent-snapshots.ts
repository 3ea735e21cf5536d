import { RECORD_VERSION, type Snapshot } from '#contracts';
import { type View } from '#engine';
import { Recent } from '../../recent.js';
import { decodeHeadLine, type SessionTables } from './session-rows.js';

interface Known {
  /** the write that put it there; undefined: it was read from the tree */
  write: object | undefined;
  snapshot: Snapshot;
  /** characters of the session's rows */
  size: number;
}

/**
 * Snapshots as they were last written or read, which need not be parsed again. One counts only for the very write that it
 * was made with, or, when that is in the tree, for the version there: a write that is taken back can't be missed.
 */
export class RecentSnapshots {
  private readonly recent = new Recent<Known>();

  constructor(private readonly tables: SessionTables) {}

  /** The stored snapshot, if it is here. @param session its part of a key */
  get(view: View, session: string): Snapshot | undefined {
    return this.find(view, session)?.snapshot;
  }

  /** What was just written or read. `size`: characters of all its rows. */
  add(view: View, session: string, snapshot: Snapshot, size: number): void {
    if (snapshot.v <= RECORD_VERSION)
      this.recent.keep(session, { write: view.writeOf(this.tables.heads, session), snapshot, size }, size);
  }

  /** Ask before the next snapshot is written: what is called after it keeps that one, if the one before is here. */
  follow(view: View, session: string): (next: Snapshot, ended: boolean) => void {
    const known = this.find(view, session);
    return (snapshot, ended) => {
      if (known === undefined || ended) {
        this.forget(session);
        return;
      }
      const { fixed } = known.snapshot;
      this.add(view, session, snapshot.fixed === fixed ? snapshot : { ...snapshot, fixed }, known.size);
    };
  }

  forget(session: string): void {
    this.recent.forget(session);
  }

  clear(): void {
    this.recent.clear();
  }

  private find(view: View, session: string): Known | undefined {
    const known = this.recent.get(session);
    if (known === undefined) return undefined;
    const write = view.writeOf(this.tables.heads, session);
    if (write !== undefined) return write === known.write ? known : undefined;
    const head = view.get(this.tables.heads, session);
    if (head === undefined) return undefined;
    const { version, updatedAt } = decodeHeadLine(head);
    const { snapshot } = known;
    return version === snapshot.version && updatedAt === snapshot.updated_at ? known : undefined;
  }
}
