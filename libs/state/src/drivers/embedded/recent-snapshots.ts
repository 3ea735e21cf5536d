import { RECORD_VERSION, type Snapshot } from '#contracts';
import { Recent } from '../../recent.js';

interface Known {
  /** the head row that says what the snapshot says */
  head: string;
  snapshot: Snapshot;
  /** characters of the session's rows */
  size: number;
}

/**
 * Snapshots as they were last written or read, which need not be parsed again. One counts only for the very row that it
 * was made with, so a write that is taken back, or another's, can't be missed.
 */
export class RecentSnapshots {
  private readonly recent = new Recent<Known>();

  /** @param session its part of a key @param head the row that is stored now */
  get(session: string, head: string): Snapshot | undefined {
    return this.find(session, head)?.snapshot;
  }

  /** `size`: characters of all its rows. */
  add(session: string, head: string, snapshot: Snapshot, size: number): void {
    if (snapshot.v <= RECORD_VERSION) this.recent.keep(session, { head, snapshot, size }, size);
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
    const size = known.size - before.length + head.length;
    this.recent.keep(session, { head, snapshot: next, size }, size);
  }

  forget(session: string): void {
    this.recent.forget(session);
  }

  clear(): void {
    this.recent.clear();
  }

  private find(session: string, head: string): Known | undefined {
    const known = this.recent.get(session);
    return known?.head === head ? known : undefined;
  }
}
