import type { ConnectionOptions } from 'node:tls';

/** How the brokers know us. */
export interface KafkaSasl {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  username: string;
  password: string;
}

export interface KafkaTransportOptions {
  /** `host:port` of some of the brokers; the others are learned from them */
  brokers: readonly string[];
  /** in the brokers' logs and quotas; default `dormouse` */
  clientId?: string;
  /** `true`: TLS with the system's authorities; default: no TLS */
  ssl?: boolean | ConnectionOptions;
  sasl?: KafkaSasl;
  /** a member that isn't heard of for so long is taken out of its group; default 10 s */
  sessionTimeoutMs?: number;
  /** copies of a topic that doesn't exist yet; default: what the brokers have set */
  replication?: number;
  /** a record that the log hasn't acknowledged by then is rejected as `unavailable`; default 10 s */
  publishTimeoutMs?: number;
  /** Something is not as it should be, and the driver goes on: one sentence. Default: nobody is told. */
  warn?: (message: string) => void;
}

/** The options with their defaults, and what follows from them. */
export interface KafkaSettings extends Required<Omit<KafkaTransportOptions, 'ssl' | 'sasl' | 'replication'>> {
  ssl: boolean | ConnectionOptions | undefined;
  sasl: KafkaSasl | undefined;
  replication: number | undefined;
  /** A member learns from its heartbeat's answer that the group shares its partitions anew, so this bounds how long that takes. */
  heartbeatMs: number;
}

const SESSION_TIMEOUT_MS = 10_000;
const PUBLISH_TIMEOUT_MS = 10_000;

export const withDefaults = (options: KafkaTransportOptions): KafkaSettings => {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
  return {
    brokers: options.brokers,
    clientId: options.clientId ?? 'dormouse',
    ssl: options.ssl,
    sasl: options.sasl,
    sessionTimeoutMs,
    replication: options.replication,
    publishTimeoutMs: options.publishTimeoutMs ?? PUBLISH_TIMEOUT_MS,
    warn: options.warn ?? (() => undefined),
    heartbeatMs: Math.min(1000, Math.max(100, Math.floor(sessionTimeoutMs / 12))),
  };
};
