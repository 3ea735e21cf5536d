import { redisScript } from '#redis';

/**
 * Keeps a dead letter, if it isn't there yet.
 *
 * KEYS: 1 letter
 * ARGV: 1 letter (JSON), 2 value of its record, 3 `1`: there is a value, 4 retention, ms
 * Answers: the letter as it is kept
 */
export const putLetterMove = redisScript(`
local before = redis.call('HGET', KEYS[1], 'letter')
if before then return before end
redis.call('HSET', KEYS[1], 'letter', ARGV[1])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'value', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return ARGV[1]
`);
