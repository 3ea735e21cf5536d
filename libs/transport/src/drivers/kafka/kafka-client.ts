import kafkajs, { type Kafka, type RetryOptions, type SASLOptions } from 'kafkajs';
import { readAllCompressions } from './codecs.js';
import { Connections } from './connections.js';
import type { KafkaSettings } from './kafka-options.js';

/** One kafkajs client with connections of its own. */
export interface KafkaClient {
  kafka: Kafka;
  /** Ends its connections for good; calls under way are rejected. */
  cut(): void;
}

const CONNECT_WITHIN_MS = 3_000;
const ANSWER_WITHIN_MS = 30_000;

/**
 * kafkajs tries again within these; what lasts longer is for our own loops, which know when to stop. All of them are
 * named, as kafkajs has other defaults where it takes itself to be under test.
 */
export const SHORT_RETRY: Required<Omit<RetryOptions, 'restartOnFailure'>> = {
  initialRetryTime: 50,
  multiplier: 2,
  factor: 0.2,
  maxRetryTime: 1_000,
  retries: 5,
};

readAllCompressions();

/** Connects to nothing yet. */
export const openClient = (settings: KafkaSettings): KafkaClient => {
  const connections = new Connections();
  const kafka = new kafkajs.Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    // kafkajs speaks TLS as soon as the option is there, whatever it says
    ...(settings.ssl === undefined || settings.ssl === false ? {} : { ssl: settings.ssl }),
    // a copy: kafkajs writes into it, and settings are frozen
    ...(settings.sasl === undefined ? {} : { sasl: { ...settings.sasl } as SASLOptions }),
    connectionTimeout: CONNECT_WITHIN_MS,
    authenticationTimeout: CONNECT_WITHIN_MS,
    requestTimeout: ANSWER_WITHIN_MS,
    retry: SHORT_RETRY,
    socketFactory: connections.factory,
    // what matters comes to us as an error or an event
    logLevel: kafkajs.logLevel.NOTHING,
  });
  return {
    kafka,
    cut: () => {
      connections.cut();
    },
  };
};
