export { EmbeddedSessionStore } from './drivers/embedded/embedded-session-store.js';
export { createRedisSessionStore } from './drivers/redis/create-redis-session-store.js';
export type { RedisSessionStore } from './drivers/redis/redis-session-store.js';
export type { RedisStateOptions } from './drivers/redis/redis-state.options.js';
export {
  type Commit,
  type CommitReply,
  type CreateReply,
  type Creation,
  type ListPage,
  type ListQuery,
  type PendingReply,
  SessionStore,
  type StateCapabilities,
  type TimelinePageQuery,
  type Wake,
} from './port.js';
export { invalidCursor } from './list-place.js';
export { bytesBeyond } from './json-size.js';
export { hasExpired, storeEmptied } from './emptied.js';
export { Payloads } from './payloads.js';
export { presentEntry } from './present-entry.js';
export { mayBePutOff } from './put-off.js';
export { createRedisDeadLetterStore } from './dead-letters/drivers/redis/create-redis-dead-letter-store.js';
export { EmbeddedDeadLetterStore } from './dead-letters/drivers/embedded/embedded-dead-letter-store.js';
export {
  type DeadLetterPage,
  type DeadLetterQuery,
  DeadLetterStore,
  type KeptDeadLetter,
} from './dead-letters/port.js';
export { StoreWatch } from './store-watch.js';
export { createRedisDeliveryLedger } from './deliveries/drivers/redis/create-redis-delivery-ledger.js';
export { EmbeddedDeliveryLedger } from './deliveries/drivers/embedded/embedded-delivery-ledger.js';
export {
  type DeliveryCount,
  DeliveryLedger,
  type Instance,
  type PartitionPlace,
  type Taken,
} from './deliveries/port.js';
export {
  type AuditNotes,
  type AuditPass,
  NO_NOTES,
  WAKE_FAULTS,
  WakeAudit,
  type WakeFault,
  type WakeLook,
  type WakeLookQuery,
  type WakeViolation,
} from './audit/port.js';
