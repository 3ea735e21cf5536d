import type { Snapshot } from '#contracts';

/** Sessions that are remembered at least; twice as many at most. */
const GENERATION = 4_096;

const nameOf = ({ outbox: { commit } }: Snapshot): string | undefined =>
  commit === null ? undefined : `${commit.version} ${commit.at} ${commit.applied}`;

/**
 * The latest step of each session whose outbox this process knows to be in the log: a copy of its observation needn't
 * publish it again, which would only make more copies. Bounded, and gone with the process, which then publishes again.
 */
export class PublishedSteps {
  private young = new Map<string, string>();
  private old = new Map<string, string>();

  add(snapshot: Snapshot): void {
    const name = nameOf(snapshot);
    if (name === undefined) return;
    this.young.set(snapshot.session_id, name);
    if (this.young.size < GENERATION) return;
    this.old = this.young;
    this.young = new Map();
  }

  has(snapshot: Snapshot): boolean {
    const { session_id: id } = snapshot;
    const name = nameOf(snapshot);
    return name !== undefined && (this.young.get(id) ?? this.old.get(id)) === name;
  }
}
