import { redisScript } from '#redis';

/**
 * Extends the lease of a slot, also one that is over if nobody else was given it.
 *
 * KEYS: 1 the holders' tokens, by the end of their lease
 * ARGV: 1 token, 2 lease, ms, 3 how long a tool is remembered of which nobody asks any more, ms
 * Answers: `held` | `lost`
 */
export const renewSlotMove = redisScript(`
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'lost' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'held'
`);
