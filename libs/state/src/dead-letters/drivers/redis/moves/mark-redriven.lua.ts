import { redisScript } from '#redis';

/**
 * Adds to a dead letter that it was published again, if it is there.
 *
 * KEYS: 1 letter
 * ARGV: 1 redrive (JSON)
 * Answers: 1 if it is there, else 0
 */
export const markRedrivenMove = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local before = redis.call('HGET', KEYS[1], 'redriven')
-- one to a line; the same one again is the repeat of a call whose answer was lost
if before and string.find('\\n' .. before .. '\\n', '\\n' .. ARGV[1] .. '\\n', 1, true) then return 1 end
redis.call('HSET', KEYS[1], 'redriven', before and (before .. '\\n' .. ARGV[1]) or ARGV[1])
return 1
`);
