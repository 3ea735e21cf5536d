import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Ends the lease at once and keeps everything else.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token
 * Answers: `{'done'}`, whether or not the token held it
 */
export const handBackMove = redisScript(`${CLAIM_HASH}
if holds then redis.call('HSET', KEYS[1], 'token', '', 'lease', 0) end
return {'done'}
`);
