import { redisScript } from '#redis';

/**
 * Sets an entry of a wake index if it still is what was seen. On a single server it also removes the entry of a session
 * that has ended or expired.
 *
 * KEYS: 1 wake; on a single server also 2 state
 * ARGV: 1 session id, 2 seen, ms (empty: there was none), 3 to, ms, 4 `1`: a missing one is made whatever was seen
 * Answers: 1 if it was, else 0
 */
export const moveEntryMove = redisScript(`
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if at and tonumber(at) ~= tonumber(ARGV[2]) then return 0 end
if not at and ARGV[2] ~= '' and ARGV[4] ~= '1' then return 0 end
if KEYS[2] then
  local version, ended = unpack(redis.call('HMGET', KEYS[2], 'version', 'ended'))
  if ended or not version then
    redis.call('ZREM', KEYS[1], ARGV[1])
    return 0
  end
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
`);
