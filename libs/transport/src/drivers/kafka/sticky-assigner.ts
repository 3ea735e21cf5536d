import kafkajs, { type Cluster, type PartitionAssigner } from 'kafkajs';
import { type Claim, sharePartitions } from './partition-share.js';

const { AssignerProtocol } = kafkajs;

/** All members of a group must know it: a name for another way of sharing. */
const NAME = 'DormouseSticky';
const VERSION = 1;

/** What this member has, as it is when asked. */
export type Owned = () => { generation: number; partitions: readonly number[] };

/**
 * The brokers leave the sharing to a member, and kafkajs brings `roundRobin` alone, which moves nearly every partition
 * whenever a member comes or goes. This one moves as few as it can.
 *
 * @param onCluster is given kafkajs's own view of the brokers, which has no other way out
 */
export const stickyAssigner =
  (owned: Owned, onCluster: (cluster: Cluster) => void): PartitionAssigner =>
  ({ cluster }) => {
    onCluster(cluster);
    return {
      name: NAME,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: NAME,
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: VERSION,
          topics,
          userData: Buffer.from(JSON.stringify(owned())),
        }),
      }),
      assign: async ({ members }) => {
        const claims = members.map(({ memberId, memberMetadata }) => claimOf(memberId, memberMetadata));
        // members of one group may read different topics, and whoever shares out knows its own only
        const topics = [...new Set(claims.flatMap((claim) => claim.topics))];
        await cluster.addMultipleTargetTopics(topics);
        const assignments = new Map<string, Record<string, number[]>>(
          members.map(({ memberId }) => [memberId, {}]),
        );
        for (const topic of topics) {
          const partitions = cluster
            .findTopicPartitionMetadata(topic)
            .map(({ partitionId }) => partitionId)
            .sort((a, b) => a - b);
          const readers = claims.filter((claim) => claim.topics.includes(topic));
          for (const [member, share] of sharePartitions(partitions, readers)) {
            const assignment = assignments.get(member);
            if (assignment !== undefined && share.length > 0) assignment[topic] = share;
          }
        }
        return [...assignments].map(([memberId, assignment]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment,
            userData: Buffer.alloc(0),
          }),
        }));
      },
    };
  };

/** A subscription has one topic, and what its member has belongs to that. */
interface TopicClaim extends Claim {
  topics: readonly string[];
}

const claimOf = (member: string, metadata: Buffer): TopicClaim => {
  const decoded = AssignerProtocol.MemberMetadata.decode(metadata);
  const topics = decoded?.topics ?? [];
  try {
    const { generation, partitions } = JSON.parse(decoded?.userData.toString() ?? '') as Partial<Claim>;
    if (typeof generation === 'number' && Array.isArray(partitions))
      return { member, topics, generation, partitions };
  } catch {
    // another version's, or none: it has nothing that we know of
  }
  return { member, topics, generation: -1, partitions: [] };
};
