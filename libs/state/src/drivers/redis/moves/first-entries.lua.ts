import { redisScript } from '#redis';

/**
 * The first entries of the parts of an index by time.
 *
 * KEYS: the parts; on a cluster one
 * ARGV: 1 up to, ms, inclusive; `(` before it: exclusive; `+inf`: all, 2 at most so many of each, 3 `1`: the parts after
 *       that with which there are so many are left out
 * Answers: member, time, member, time, …; those of one part are in order
 */
export const firstEntriesMove = redisScript(`
local found = {}
for _, key in ipairs(KEYS) do
  local part = redis.call('ZRANGEBYSCORE', key, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
  for _, value in ipairs(part) do found[#found + 1] = value end
  if ARGV[3] == '1' and #found >= 2 * ARGV[2] then break end
end
return found
`);
