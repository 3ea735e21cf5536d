import { isTerminal, RECORD_VERSION, type Snapshot } from '#contracts';
import { Recent } from '../../recent.js';

interface Known {
  snapshot: Snapshot;
  /** characters of `fixed`, which a commit doesn't write */
  fixedSize: number;
}

/** The snapshots that this process has just read or written: guesses, since another process may have gone on. */
export class LatestSnapshots {
  private readonly recent = new Recent<Known>();

  get(sessionId: string): Snapshot | undefined {
    return this.recent.get(sessionId)?.snapshot;
  }

  /** What was read or created, with the characters of its two texts. */
  add(snapshot: Snapshot, fixedSize: number, headSize: number): void {
    if (snapshot.v > RECORD_VERSION || isTerminal(snapshot.status)) return;
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
