export { bodyDigest, canonicalJson, intentDigest } from './digest.js';
export { claimRules, type Verdict } from './drivers/embedded/claim.rules.js';
export { type ClaimRow, viewOf } from './drivers/embedded/claim-row.js';
export { EmbeddedClaimStore } from './drivers/embedded/embedded-claim-store.js';
export { createRedisClaimStore } from './drivers/redis/create-redis-claim-store.js';
export type { RedisClaimStore } from './drivers/redis/redis-claim-store.js';
export {
  type ClaimCapabilities,
  type ClaimKey,
  type ClaimReply,
  type ClaimRequest,
  ClaimStore,
  type ClaimView,
  type RecordReply,
  type RenewReply,
  type SealReply,
  type StartReply,
} from './port.js';
export { EmbeddedSlotStore } from './slots/drivers/embedded/embedded-slot-store.js';
export { createRedisSlotStore } from './slots/drivers/redis/create-redis-slot-store.js';
export type { RedisSlotStore } from './slots/drivers/redis/redis-slot-store.js';
export { type SlotRequest, SlotStore } from './slots/port.js';
export { bootId, nextToken } from './token.js';
