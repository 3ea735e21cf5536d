import { redisScript } from '#redis';

/**
 * Adds a delivery to each of these events of a partition.
 *
 * KEYS: 1 partition
 * ARGV: 1 retention, ms, 2… events and offsets, by turns
 * Answers: how many there were
 */
export const countDeliveriesMove = redisScript(`
for i = 2, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], 'd:' .. ARGV[i], 1)
  local before = redis.call('HGET', KEYS[1], 'o:' .. ARGV[i])
  if not before or tonumber(before) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], 'o:' .. ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return (#ARGV - 1) / 2
`);
