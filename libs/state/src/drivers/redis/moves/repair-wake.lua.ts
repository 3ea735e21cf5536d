import { redisScript } from '#redis';

/**
 * Repairs an entry of a wake index, if entry and session are as they were seen.
 *
 * KEYS: 1 wake; 2 state: where it may be asked too, on a single server, and matters
 * ARGV: 1 session id, 2 the entry seen, ms (empty: there was none), 3 to, ms (empty: removed), 4 the version seen
 * (empty: the session has ended, or isn't there)
 * Answers: 1 if they were, else 0
 */
export const repairWakeMove = redisScript(`
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[2] == '' and at then return 0 end
if ARGV[2] ~= '' and (not at or tonumber(at) ~= tonumber(ARGV[2])) then return 0 end
if KEYS[2] then
  local version, ended = unpack(redis.call('HMGET', KEYS[2], 'version', 'ended'))
  local seen = ''
  if version and not ended then seen = version end
  if seen ~= ARGV[4] then return 0 end
end
if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1])
else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
return 1
`);
