import { redisScript } from '#redis';

/**
 * The first entries of each part of an index by time.
 *
 * KEYS: the parts; on a cluster one
 * ARGV: 1 up to, ms, inclusive; `(` before it: exclusive; `+inf`: all, 2 at most so many of each
 * Answers: member, time, member, time, …; those of one part are in order
 */
export const firstEntriesMove = redisScript(`
local found = {}
for _, key in ipairs(KEYS) do
  local part = redis.call('ZRANGEBYSCORE', key, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
  for _, value in ipairs(part) do found[#found + 1] = value end
end
return found
`);
