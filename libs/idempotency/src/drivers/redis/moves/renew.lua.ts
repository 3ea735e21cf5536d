import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Extends the lease, also one that is over if nobody took it. One that was asked to stop still holds it until it has
 * recorded what became of it; after that it is told that it holds it, and nothing changes.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 lease, ms
 * Answers: `{'held'}` | `{'lost'}` | `{'cancelled'}`
 */
export const renewMove = redisScript(`${CLAIM_HASH}
if sealed then return {'cancelled'} end
if outcome and token == ARGV[2] then return {'held'} end
if not holds then return {'lost'} end
redis.call('HSET', KEYS[1], 'lease', now + ARGV[3])
return {cancel and 'cancelled' or 'held'}
`);
