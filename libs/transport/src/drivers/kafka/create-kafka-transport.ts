import type { KafkaTransportOptions } from './kafka-options.js';
import type { KafkaTransport } from './kafka-transport.js';

/** A transport on Kafka, not started yet. kafkajs is loaded here: who works without Kafka never loads it. */
export const createKafkaTransport = async (options: KafkaTransportOptions): Promise<KafkaTransport> => {
  const { KafkaTransport } = await import('./kafka-transport.js');
  return new KafkaTransport(options);
};
