import { redisScript } from '#redis';
import { CLAIM_HASH } from './claim-hash.js';

/**
 * Takes the claim if nobody has it, or its lease is over. A repeat meets its own token and answers as the first did.
 *
 * KEYS: 1 the claim
 * ARGV: 1 version, 2 token, 3 digest, 4 lease, ms
 * Answers: `{'claimed'}` | `{'taken_over', started, attempts, notBefore, cancelRequested, deaths}` | `{'held', leaseUntil}`
 * | `{'recorded', outcome}` | `{'conflict', digest}`
 */
export const claimMove = redisScript(`${CLAIM_HASH}
if not v then
  redis.call('HSET', KEYS[1], 'v', ARGV[1], 'digest', ARGV[3], 'token', ARGV[2], 'lease', now + ARGV[4])
  return {'claimed'}
end
if digest ~= ARGV[3] then return {'conflict', digest} end
if outcome then return {'recorded', outcome} end
if token == ARGV[2] then
  if grant then return {'taken_over', unpack(cjson.decode(grant))} end
  return {'claimed'}
end
if token ~= '' and lease > now then return {'held', lease} end
-- its owner died, and no record of the log is there to tell
local deaths = tonumber(redis.call('HGET', KEYS[1], 'deaths') or 0)
if token ~= '' and lease > 0 and redis.call('HEXISTS', KEYS[1], 'record') == 1 then
  deaths = redis.call('HINCRBY', KEYS[1], 'deaths', 1)
end
local left = {tonumber(started or 0), tonumber(attempts or 0), not_before or '0', tonumber(cancel or 0), deaths}
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'lease', now + ARGV[4], 'grant', cjson.encode(left))
return {'taken_over', unpack(left)}
`);
