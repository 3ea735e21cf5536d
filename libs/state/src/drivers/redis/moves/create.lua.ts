import { redisScript } from '#redis';

/**
 * Creates a session if its id is free.
 *
 * KEYS: 1 state, 2 history, 3 timeline, 4 blobs; on a single server also 5 wake, 6 list
 * ARGV: 1 fixed, 2 head, 3 version, 4 pending, 5 channel, 6 session id, 7 wake at, ms, 8 member of the list,
 *       9 what the keys of its blobs begin with, 10 what the audit needs, 11… timeline entries
 * Answers: `{'created'}` | `{'exists', fixed, head}`
 */
export const createMove = redisScript(`
local taken = redis.call('HMGET', KEYS[1], 'fixed', 'head')
if taken[1] then return {'exists', taken[1], taken[2]} end
redis.call('HSET', KEYS[1], 'fixed', ARGV[1], 'head', ARGV[2], 'version', ARGV[3], 'pending', ARGV[4],
  'asleep', ARGV[10])
-- what an earlier session with this id may have left
redis.call('DEL', KEYS[2], KEYS[3])
for i = 11, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
-- a payload may come before its session; from now on it stays as long as the session
redis.call('PERSIST', KEYS[4])
for _, hash in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  redis.call('PERSIST', ARGV[9] .. hash)
end
if KEYS[5] then
  redis.call('ZADD', KEYS[5], ARGV[7], ARGV[6])
  redis.call('ZADD', KEYS[6], 0, ARGV[8])
end
redis.call('PUBLISH', ARGV[5], '')
return {'created'}
`);
