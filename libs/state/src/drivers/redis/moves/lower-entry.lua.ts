import { redisScript } from '#redis';

/**
 * Lowers an entry of a wake index, on a cluster, where the session lies elsewhere.
 *
 * KEYS: 1 wake
 * ARGV: 1 session id, 2 at, ms, 3 `1`: makes the entry when it is missing
 * Answers: the entry's time now, or null when there is none
 */
export const lowerEntryMove = redisScript(`
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at and ARGV[3] ~= '1' then return false end
if at and tonumber(at) <= tonumber(ARGV[2]) then return at end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return ARGV[2]
`);
