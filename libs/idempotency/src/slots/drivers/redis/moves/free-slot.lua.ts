import { redisScript } from '#redis';

/**
 * Gives a slot back, and the place in line as well.
 *
 * KEYS: 1 the holders' tokens, 2 and 3 those of the line
 * ARGV: 1 token
 * Answers: 1, whether or not the token was there
 */
export const freeSlotMove = redisScript(`
for i = 1, 3 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 1
`);
