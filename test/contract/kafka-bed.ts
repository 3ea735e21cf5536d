import kafkajs, { type Broker, type Cluster, type Kafka } from 'kafkajs';
import { type TestBed, freshName } from '#testing';
import { type KafkaTransport, createKafkaTransport } from '#transport';
import { realTime } from './real-time.js';

/** Long enough that a loaded machine loses no member of a test to it. */
const SESSION_MS = 6_000;

/** A way to the brokers that kafkajs gives to assigners alone. */
const clusterOf = (kafka: Kafka): Cluster => {
  let found: Cluster | undefined;
  kafka.consumer({
    groupId: 'unused',
    partitionAssigners: [
      (config) => {
        found = config.cluster;
        return kafkajs.PartitionAssigners.roundRobin(config);
      },
    ],
  });
  if (found === undefined) throw new Error('kafkajs makes its assigners later now');
  return found;
};

/**
 * The coordinators notice at once that the members of a client are gone, not only when their sessions time out: it
 * leaves their groups in their names.
 */
export const noticeDeaths = async (brokers: string, clientId: string): Promise<void> => {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  const cluster = clusterOf(kafka);
  await Promise.all([admin.connect(), cluster.connect()]);
  try {
    const { groups } = await admin.listGroups();
    const described = await admin.describeGroups(groups.map(({ groupId }) => groupId));
    for (const { groupId, members } of described.groups) {
      for (const { memberId, clientId: owner } of members) {
        if (owner !== clientId) continue;
        const coordinator = (await cluster.findGroupCoordinator({ groupId })) as Broker & {
          leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
        };
        await coordinator.leaveGroup({ groupId, memberId });
      }
    }
  } finally {
    await Promise.all([admin.disconnect(), cluster.disconnect()]);
  }
};

/** The brokers of the run, with topics and groups of fresh names. A crash cuts all connections. */
export const kafkaBed = (brokers: () => string) => async (): Promise<TestBed<KafkaTransport>> => {
  const clientId = freshName('client');
  let opened: KafkaTransport[] = [];
  return {
    open: async () => {
      const transport = await createKafkaTransport({
        brokers: [brokers()],
        clientId,
        sessionTimeoutMs: SESSION_MS,
      });
      opened.push(transport);
      return transport;
    },
    crash: async () => {
      const dead = opened;
      opened = [];
      for (const transport of dead) transport.abandon();
      await noticeDeaths(brokers(), clientId);
    },
    advance: realTime,
    dispose: async () => {
      await Promise.all(opened.map((transport) => transport.close()));
    },
  };
};
