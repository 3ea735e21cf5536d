import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Ends the lease at once and keeps everything else.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 `1`: its owner is dead
 * Answers: `{'done'}`, whether or not the token held it
 */
export const handBackMove = redisScript(`${CLAIM_HASH}
if holds then
  if ARGV[3] == '1' and redis.call('HEXISTS', KEYS[1], 'record') == 1 then
    redis.call('HINCRBY', KEYS[1], 'deaths', 1)
  end
  redis.call('HSET', KEYS[1], 'token', '', 'lease', 0)
end
return {'done'}
`);
