import { redisScript } from '#redis';

/**
 * Lowers the wake-up of an unfinished session, on a single server.
 *
 * KEYS: 1 wake, 2 state
 * ARGV: 1 session id, 2 at, ms
 * Answers: `{'done'}`
 */
export const lowerWakeMove = redisScript(`
local version, ended = unpack(redis.call('HMGET', KEYS[2], 'version', 'ended'))
if version and not ended then redis.call('ZADD', KEYS[1], 'LT', ARGV[2], ARGV[1]) end
return {'done'}
`);
