import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Keeps the whole intent under the claim.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 the intent's record
 * Answers: `{'kept'}` | `{'lost'}`
 */
export const keepMove = redisScript(`${CLAIM_HASH}
if not holds then return {'lost'} end
redis.call('HSET', KEYS[1], 'record', ARGV[3])
return {'kept'}
`);
