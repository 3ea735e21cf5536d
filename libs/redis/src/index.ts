export { type Channels } from './channels.js';
export { RedisConnection } from './connection.js';
export { checkVersion } from './faults.js';
export { type KeyPage } from './key-walk.js';
export { checkedPrefix, sessionTag, SHARDS, shardOf } from './keys.js';
export { DEFAULT_TIMEOUT_MS, type RedisOptions } from './redis.options.js';
export { redisScript, type RedisScript, type ScriptArgument, type ScriptReply } from './script.js';
export { type ServerPromises } from './server-settings.js';
