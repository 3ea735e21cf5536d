import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Says that a compensatable or irreversible tool is about to run.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token
 * Answers: `{'started'}` | `{'lost'}` | `{'cancelled'}`
 */
export const startMove = redisScript(`${CLAIM_HASH}
if sealed then return {'cancelled'} end
if not holds then return {'lost'} end
if cancel then return {'cancelled'} end
if lease <= now then return {'lost'} end
redis.call('HSET', KEYS[1], 'started', 1)
return {'started'}
`);
