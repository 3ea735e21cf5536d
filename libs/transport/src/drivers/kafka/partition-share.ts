/** What a member of a group says that it has. */
export interface Claim {
  member: string;
  /** the group's generation in which it had them; the later one is right when two claim one partition */
  generation: number;
  partitions: readonly number[];
}

/**
 * Who gets which partition: as evenly as possible, and everybody keeps what it has as far as that allows. The answer
 * depends on the claims alone, not on their order.
 */
export const sharePartitions = (
  partitions: readonly number[],
  claims: readonly Claim[],
): Map<string, number[]> => {
  const members = [...claims].sort((a, b) => (a.member < b.member ? -1 : 1));
  const owner = new Map<number, Claim>();
  for (const claim of members) {
    for (const partition of claim.partitions) {
      const rival = owner.get(partition);
      if (rival === undefined || claim.generation > rival.generation) owner.set(partition, claim);
    }
  }
  const least = Math.floor(partitions.length / Math.max(1, members.length));
  let larger = partitions.length - least * members.length;
  const shares = new Map<string, number[]>();
  const free = new Set(partitions);
  for (const claim of members) {
    const had = partitions.filter((partition) => owner.get(partition) === claim);
    const quota = had.length > least && larger-- > 0 ? least + 1 : least;
    const kept = had.slice(0, quota);
    shares.set(claim.member, kept);
    for (const partition of kept) free.delete(partition);
  }
  const rest = [...free];
  // first everybody up to the even share, then one more each
  for (const size of [least, least + 1]) {
    for (const share of shares.values()) {
      while (share.length < size) {
        const partition = rest.shift();
        if (partition === undefined) break;
        share.push(partition);
      }
    }
  }
  return shares;
};
