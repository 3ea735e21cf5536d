import { redisScript } from '#redis';

/** A commit that arrives again is known by its token among so many of the latest ones. */
const TOKENS = 8;

/**
 * One step, if the stored version is the expected one. Writes what the step adds, whatever the session's length.
 *
 * KEYS: 1 state, 2 history, 3 timeline, 4 blobs; on a single server also 5 wake, 6 ended
 * ARGV: 1 token, 2 expected version, 3 version, 4 head, 5 pending, 6 retention, ms (empty: not ended), 7 channel,
 *       8 what the keys of its blobs begin with, 9 session id, 10 wake at, ms (empty: never), 11 `1`: an earlier wake-up
 *       stays, 12 member of ended, 13 its time, ms, 14 what the audit needs, 15 how many history keys and entries follow
 *       together, 16… those, then timeline entries
 * Answers: `{'committed'}` | `{'repeated'}`: it was, before | `{'conflict', version}` | `{'missing'}`
 */
export const commitMove = redisScript(`
local version, tokens, ended = unpack(redis.call('HMGET', KEYS[1], 'version', 'tokens', 'ended'))
if not version then return {'missing'} end
tokens = tokens or ''
if version ~= ARGV[2] then
  if string.find(' ' .. tokens .. ' ', ' ' .. ARGV[1] .. ' ', 1, true) then return {'repeated'} end
  return {'conflict', version}
end

local latest, known = {ARGV[1]}, 1
for token in string.gmatch(tokens, '%S+') do
  if known == ${TOKENS} then break end
  known = known + 1
  latest[known] = token
end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'head', ARGV[4], 'pending', ARGV[5],
  'tokens', table.concat(latest, ' '), 'asleep', ARGV[14])
local first = 16 + ARGV[15]
for i = 16, first - 1, 2 do redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = first, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end

if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'ended', 1)
  for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[6]) end
  for _, hash in ipairs(redis.call('SMEMBERS', KEYS[4])) do redis.call('PEXPIRE', ARGV[8] .. hash, ARGV[6]) end
  if KEYS[6] then redis.call('ZADD', KEYS[6], ARGV[13], ARGV[12]) end
end
if KEYS[5] then
  if ARGV[6] ~= '' or ARGV[10] == '' then redis.call('ZREM', KEYS[5], ARGV[9])
  elseif ARGV[11] == '1' then redis.call('ZADD', KEYS[5], 'LT', ARGV[10], ARGV[9])
  else redis.call('ZADD', KEYS[5], ARGV[10], ARGV[9]) end
end
if first <= #ARGV then redis.call('PUBLISH', ARGV[7], '') end
return {'committed'}
`);
