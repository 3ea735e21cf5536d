export { type KafkaOptions, type KafkaServer, startKafkaServer } from './kafka.js';
export { type RedisOptions, type RedisServer, startRedisServer } from './redis.js';
export { type RedisCluster, startRedisCluster } from './redis-cluster.js';
export { SERVER_START_MS, sharedKafka, sharedRedis, sharedRedisCluster } from './shared.js';
export { type SecuredKafka, startSecuredKafka } from './secured-kafka.js';
