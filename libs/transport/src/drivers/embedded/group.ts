/** A member, as far as sharing the partitions is concerned. */
export interface Member {
  /** what it has now */
  readonly owned: Iterable<number>;
  take(partitions: readonly number[]): void;
  lose(partitions: readonly number[]): void;
}

/**
 * Who has which partition when `members` share `count` of them: as evenly as possible, and everybody keeps what they
 * have as far as that allows.
 */
export const share = (count: number, members: readonly Iterable<number>[]): number[][] => {
  const least = Math.floor(count / Math.max(members.length, 1));
  let larger = count - least * members.length;
  const free = new Set(Array.from({ length: count }, (_, partition) => partition));
  const shares = members.map((owned) => {
    const kept = [...owned];
    const quota = kept.length > least && larger-- > 0 ? least + 1 : least;
    return kept.slice(0, quota);
  });
  for (const kept of shares) for (const partition of kept) free.delete(partition);
  const rest = [...free];
  // first everybody up to the even share, then one more each
  for (const size of [least, least + 1]) {
    for (const kept of shares) while (kept.length < size && rest.length > 0) kept.push(rest.shift() ?? 0);
  }
  return shares;
};

/** The members of one group on one topic. */
export class Group<M extends Member> {
  private readonly members: M[] = [];
  private scheduled = false;

  constructor(private readonly partitions: number) {}

  get all(): readonly M[] {
    return this.members;
  }

  /** Partitions follow in a later turn: when whoever subscribed has got its subscription. */
  join(member: M): void {
    this.members.push(member);
    this.schedule();
  }

  leave(member: M): void {
    const index = this.members.indexOf(member);
    if (index < 0) return;
    this.members.splice(index, 1);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.rebalance();
    });
  }

  private rebalance(): void {
    const members = [...this.members];
    const shares = share(
      this.partitions,
      members.map(({ owned }) => owned),
    );
    const changes = members.map((member, i) => {
      const before = new Set(member.owned);
      const after = new Set(shares[i]);
      return {
        member,
        lost: [...before].filter((partition) => !after.has(partition)),
        gained: [...after].filter((partition) => !before.has(partition)),
      };
    });
    // a partition has one owner at a time: taken away before it is given
    for (const { member, lost } of changes) if (lost.length > 0) member.lose(lost);
    for (const { member, gained } of changes) if (gained.length > 0) member.take(gained);
  }
}
