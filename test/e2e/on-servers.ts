import { freshName } from '#testing';
import { sharedKafka, sharedRedis } from '#testing/servers';

/** The settings that name the test run's Kafka and Redis. */
export const sharedServers = async (): Promise<{ KAFKA_BROKERS: string; REDIS_URL: string }> => {
  const [KAFKA_BROKERS, REDIS_URL] = await Promise.all([sharedKafka(), sharedRedis()]);
  return { KAFKA_BROKERS, REDIS_URL };
};

/** Names of its own for all that a test leaves on the shared servers. */
export const freshNames = () => {
  const name = freshName('e2e');
  return {
    DORMOUSE_KEY_PREFIX: `${name}:`,
    DORMOUSE_TOPIC_INTENT: `${name}.intent`,
    DORMOUSE_TOPIC_OBSERVATION: `${name}.observation`,
    DORMOUSE_TOPIC_DEAD_LETTER: `${name}.dead`,
    DORMOUSE_GROUP_COMMANDER: `${name}.c`,
    DORMOUSE_GROUP_DISPATCHER: `${name}.d`,
    DORMOUSE_PARTITIONS: '4',
  };
};
