import { redisScript } from '#redis';

/**
 * Takes or keeps the turn of the audit, and writes its notes.
 *
 * KEYS: 1 audit
 * ARGV: 1 holder, 2 for how long, ms, 3 `1`: only whoever has it keeps it, 4 notes (empty: they stay)
 * Answers: `{1 if it is the holder's now, else 0, notes or ''}`
 */
export const auditTurnMove = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, till, notes = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'notes'))
if holder ~= ARGV[1] and (ARGV[3] == '1' or (till and tonumber(till) > now)) then return {0, notes or ''} end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + ARGV[2])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'notes', ARGV[4])
  notes = ARGV[4]
end
return {1, notes or ''}
`);
