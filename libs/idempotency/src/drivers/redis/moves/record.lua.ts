import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Ends the claim with an outcome, which is never replaced; the server forgets it after its retention.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 outcome (JSON), 4 retention, ms
 * Answers: `{'recorded'}` | `{'superseded', outcome}` | `{'lost'}` | `{'none'}`
 */
export const recordMove = redisScript(`${CLAIM_HASH}
if not v then return {'none'} end
if outcome then
  if token == ARGV[2] then return {'recorded'} end
  return {'superseded', outcome}
end
if not holds then return {'lost'} end
redis.call('HSET', KEYS[1], 'outcome', ARGV[3], 'expires', now + ARGV[4])
redis.call('PEXPIREAT', KEYS[1], now + ARGV[4])
return {'recorded'}
`);
