import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Deletes the claim if the token holds it and it has no outcome.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token
 * Answers: `{'done'}`, whether or not the token held it
 */
export const dropMove = redisScript(`${CLAIM_HASH}
if holds then redis.call('DEL', KEYS[1]) end
return {'done'}
`);
