import { redisScript } from '#redis';

/**
 * Writes down who has a partition, and forgets counts of events whose records are all below an offset, and convictions
 * that are older than the retention time.
 *
 * KEYS: 1 partition
 * ARGV: 1 boot id, 2 offset, 3 retention, ms
 * Answers: `{owner before, or empty, {field, value, field, value, …}}`
 */
export const takePartitionMove = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local before, kept, gone, convicted = '', {}, {}, {}
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  local kind, event = string.sub(field, 1, 2), string.sub(field, 3)
  if field == 'owner' then before = value
  elseif kind == 'o:' then gone[event] = tonumber(value) < tonumber(ARGV[2])
  elseif kind == 'c:' then convicted[event] = tonumber(value) + tonumber(ARGV[3]) > now
  end
end
for event, stands in pairs(convicted) do gone[event] = not stands end
for i = 1, #all, 2 do
  local field = all[i]
  if field ~= 'owner' then
    if gone[string.sub(field, 3)] then redis.call('HDEL', KEYS[1], field)
    else
      kept[#kept + 1] = field
      kept[#kept + 1] = all[i + 1]
    end
  end
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {before, kept}
`);
