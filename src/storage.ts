import { type DormouseError, type Finding, findingSentence } from '#contracts';
import { Engine, type JournalCounts } from '#engine';
import {
  type ClaimStore,
  createRedisClaimStore,
  createRedisSlotStore,
  EmbeddedClaimStore,
  EmbeddedSlotStore,
  type SlotStore,
} from '#idempotency';
import {
  createRedisDeadLetterStore,
  createRedisDeliveryLedger,
  createRedisSessionStore,
  type DeadLetterStore,
  type DeliveryLedger,
  EmbeddedDeadLetterStore,
  EmbeddedDeliveryLedger,
  EmbeddedSessionStore,
  type SessionStore,
} from '#state';
import { createKafkaTransport, EmbeddedTransport, type Transport } from '#transport';
import { Logger } from '@nestjs/common';
import type { ServerSettings, Settings } from './config/index.js';

/** The drivers behind the ports, opened and not yet started. */
export interface Storage {
  sessions: SessionStore;
  claims: ClaimStore;
  slots: SlotStore;
  deadLetters: DeadLetterStore;
  deliveries: DeliveryLedger;
  transport: Transport;
  /** of the embedded engine alone */
  journal?: Readonly<JournalCounts>;
  /** resolves, never rejects, when storage has failed for good: the process should end */
  failed: Promise<DormouseError>;
  /** after everything that uses it has ended */
  close(): Promise<void>;
}

/** In this process alone: the engine, in its folder. */
const openEngine = async ({ engine: { dataDir, durability }, protocol }: Settings): Promise<Storage> => {
  const engine = await Engine.open({ dir: dataDir, durability });
  const sessions = new EmbeddedSessionStore(engine);
  const claims = new EmbeddedClaimStore(engine);
  const slots = new EmbeddedSlotStore(() => engine.now());
  const deadLetters = new EmbeddedDeadLetterStore(engine, protocol.retentionMs);
  const deliveries = new EmbeddedDeliveryLedger(engine, protocol.retentionMs);
  return {
    sessions,
    claims,
    slots,
    deadLetters,
    deliveries,
    transport: new EmbeddedTransport(engine, { retentionMs: protocol.retentionMs }),
    journal: engine.counts,
    failed: engine.failed,
    close: async () => {
      await sessions.close();
      await claims.close();
      await slots.close();
      await deadLetters.close();
      await deliveries.close();
      await engine.close();
    },
  };
};

/** Servers come back, so this storage never fails for good: it waits, and says `unavailable` meanwhile. */
const NEVER = new Promise<never>(() => undefined);

/** What is kept in Redis, and how that is set. */
export interface RedisStores extends Pick<
  Storage,
  'sessions' | 'claims' | 'slots' | 'deadLetters' | 'deliveries'
> {
  /** what the servers' settings promise, and put at risk */
  findings: readonly Finding[];
  close(): Promise<void>;
}

/** Errors: `invalid_settings`, `unavailable` */
export const openRedis = async (
  servers: ServerSettings,
  { retentionMs }: Settings['protocol'],
): Promise<RedisStores> => {
  const redis = { url: servers.redisUrl, keyPrefix: servers.keyPrefix, retentionMs };
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const store of opened) await store.close();
  };
  const keep = <S extends { close(): Promise<void> }>(store: S): S => {
    opened.push(store);
    return store;
  };
  try {
    const sessions = keep(await createRedisSessionStore(redis));
    const claims = keep(await createRedisClaimStore(redis));
    const slots = keep(await createRedisSlotStore(redis));
    const deadLetters = keep(await createRedisDeadLetterStore(redis));
    const deliveries = keep(await createRedisDeliveryLedger(redis));
    return { sessions, claims, slots, deadLetters, deliveries, findings: sessions.checks(), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

/** Asks no broker yet. */
export const openKafka = (
  { brokers, ssl, sasl, kafkaSessionMs, replication }: ServerSettings,
  { process }: Pick<Settings, 'process'>,
  warn: (message: string) => void,
): Promise<Transport> =>
  createKafkaTransport({
    brokers,
    clientId: `dormouse-${process.instance}`,
    ssl,
    ...(sasl === undefined ? {} : { sasl }),
    sessionTimeoutMs: kafkaSessionMs,
    ...(replication === undefined ? {} : { replication }),
    warn,
  });

/** Shared by any number of processes: Kafka's topics, Redis for sessions and claims. */
const connectServers = async (servers: ServerSettings, settings: Settings): Promise<Storage> => {
  const log = new Logger('Storage');
  const { findings, ...stores } = await openRedis(servers, settings.protocol);
  for (const finding of findings) if (finding.state !== 'well') log.warn(findingSentence(finding));
  const transport = await openKafka(servers, settings, (message) => log.warn(message));
  return { ...stores, transport, failed: NEVER };
};

/**
 * Opens what the settings name: the embedded engine, or Kafka and Redis.
 *
 * Errors: `data_dir_in_use`, `newer_version`, `invalid_settings` (the folder can't be used), `unavailable` (no server
 * answers)
 */
export const openStorage = (settings: Settings): Promise<Storage> =>
  settings.servers === undefined ? openEngine(settings) : connectServers(settings.servers, settings);
