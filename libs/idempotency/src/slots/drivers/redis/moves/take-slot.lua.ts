import { redisScript } from '#redis';

/**
 * Takes a slot if one is free and nobody in line comes before the caller; else puts him in line. A repeat finds its own
 * token and answers as the first did.
 *
 * KEYS: 1 the holders' tokens, by the end of their lease, 2 the line's tokens, by since when they wait, 3 the same, by when
 * they have left it unless they ask again
 * ARGV: 1 token, 2 limit, 3 lease, ms, 4 since, ms, 5 patience, ms, 6 how long a tool is remembered of
 * which nobody asks any more, ms
 * Answers: `taken` | `full`
 */
export const takeSlotMove = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token, limit = ARGV[1], tonumber(ARGV[2])
if not redis.call('ZSCORE', KEYS[1], token) then
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('ZREM', KEYS[2], gone)
    redis.call('ZREM', KEYS[3], gone)
  end
  redis.call('ZADD', KEYS[2], ARGV[4], token)
  local before = redis.call('ZRANK', KEYS[2], token)
  local live = redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
  if before >= limit - live then
    redis.call('ZADD', KEYS[3], now + ARGV[5], token)
    redis.call('PEXPIRE', KEYS[2], ARGV[6])
    redis.call('PEXPIRE', KEYS[3], ARGV[6])
    return 'full'
  end
  -- what is over the limit with this one are holders whose lease is over: they have the lowest scores
  local over = redis.call('ZCARD', KEYS[1]) - limit
  if over >= 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over) end
end
redis.call('ZREM', KEYS[2], token)
redis.call('ZREM', KEYS[3], token)
redis.call('ZADD', KEYS[1], now + ARGV[3], token)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 'taken'
`);
