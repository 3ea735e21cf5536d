import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * An attempt ended, and another is to come.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 attempts, 4 not before, ms, 5 `1`: ends the lease, 6 `1`: keeps 7, 7 the intent's record
 * Answers: `{'deferred'}` | `{'lost'}` | `{'cancelled'}`
 */
export const deferMove = redisScript(`${CLAIM_HASH}
if sealed then return {'cancelled'} end
if not holds then return {'lost'} end
if cancel then return {'cancelled'} end
redis.call('HSET', KEYS[1], 'attempts', ARGV[3], 'not_before', ARGV[4])
redis.call('HDEL', KEYS[1], 'started', 'deaths')
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'lease', 0) end
if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 'record', ARGV[7]) end
return {'deferred'}
`);
