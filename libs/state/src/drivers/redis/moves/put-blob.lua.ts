import { redisScript } from '#redis';

/**
 * Keeps a payload as long as its session; without an unfinished session for the retention time.
 *
 * KEYS: 1 state, 2 blob, 3 blobs
 * ARGV: 1 bytes, 2 hash, 3 retention, ms
 * Answers: `{'done'}`
 */
export const putBlobMove = redisScript(`
local version, ended = unpack(redis.call('HMGET', KEYS[1], 'version', 'ended'))
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[2], ARGV[1]) end
redis.call('SADD', KEYS[3], ARGV[2])
if version and not ended then return {'done'} end
for i = 2, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return {'done'}
`);
