import { redisScript } from '#redis';

/**
 * Deletes all of a session that has ended.
 *
 * KEYS: 1 state, 2 history, 3 timeline, 4 blobs
 * ARGV: 1 what the keys of its blobs begin with
 * Answers: 1 if it was there, 0 if the server had forgotten it or it hasn't ended
 */
export const dropSessionMove = redisScript(`
local version, ended = unpack(redis.call('HMGET', KEYS[1], 'version', 'ended'))
if version and not ended then return 0 end
for _, hash in ipairs(redis.call('SMEMBERS', KEYS[4])) do redis.call('UNLINK', ARGV[1] .. hash) end
redis.call('UNLINK', unpack(KEYS))
return version and 1 or 0
`);
