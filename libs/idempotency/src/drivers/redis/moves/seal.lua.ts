import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Ends a claim that isn't started, or makes an ended one; asks the owner of a started one to stop.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 empty, 3 digest, 4 outcome (JSON), 5 retention, ms
 * Answers: `{'sealed'}` | `{'started', leaseUntil}` | `{'recorded', outcome}`
 */
export const sealMove = redisScript(`${CLAIM_HASH}
if sealed then return {'sealed'} end
if outcome then return {'recorded', outcome} end
if started then
  redis.call('HSET', KEYS[1], 'cancel', 1)
  return {'started', lease}
end
if not v then redis.call('HSET', KEYS[1], 'v', ARGV[1], 'digest', ARGV[3]) end
redis.call('HSET', KEYS[1], 'token', '', 'lease', 0, 'outcome', ARGV[4], 'expires', now + ARGV[5])
redis.call('PEXPIREAT', KEYS[1], now + ARGV[5])
return {'sealed'}
`);
