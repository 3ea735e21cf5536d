import { isTerminal, RECORD_VERSION, type Snapshot } from '#contracts';
import { Recent } from '../../recent.js';

interface Known {
  snapshot: Snapshot;
  /** characters of `fixed`, which a commit doesn't write */
  fixedSize: number;
}

/**
 * The snapshots that this process has just read or written: guesses, since another process may have gone on. Nothing is
 * kept until somebody has asked for one: a process that takes no steps makes a burst of sessions that it never looks at.
 */
export class LatestSnapshots {
  private readonly recent = new Recent<Known>();
  private isAsked = false;

  get(sessionId: string): Snapshot | undefined {
    this.isAsked = true;
    return this.recent.get(sessionId)?.snapshot;
  }

  /** What was read or created, with the characters of its two texts. */
  add(snapshot: Snapshot, fixedSize: number, headSize: number): void {
    if (!this.isAsked || snapshot.v > RECORD_VERSION || isTerminal(snapshot.status)) return;
    this.recent.keep(snapshot.session_id, { snapshot, fixedSize }, fixedSize + headSize);
  }

  /** What a commit wrote; the fixed part stays as it was created. */
  follow(snapshot: Snapshot, headSize: number): void {
    const known = this.recent.get(snapshot.session_id);
    if (known === undefined || isTerminal(snapshot.status)) {
      this.forget(snapshot.session_id);
      return;
    }
    const { fixed } = known.snapshot;
    this.add(snapshot.fixed === fixed ? snapshot : { ...snapshot, fixed }, known.fixedSize, headSize);
  }

  forget(sessionId: string): void {
    this.recent.forget(sessionId);
  }

  clear(): void {
    this.recent.clear();
  }
}
