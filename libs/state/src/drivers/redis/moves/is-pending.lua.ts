import { redisScript } from '#redis';

/**
 * Looks one intent up in what the latest commit left, without the rest of the snapshot leaving the server.
 *
 * KEYS: 1 state
 * ARGV: 1 newest version that the caller can read, 2 intent id
 * Answers: `{'pending', digest, cancelRequested}` | `{'not_pending'}` | `{'no_session'}` | `{'newer_version', v}`
 */
export const isPendingMove = redisScript(`
local pending = redis.call('HGET', KEYS[1], 'pending')
if not pending then return {'no_session'} end
local v, cancel = string.match(pending, '^(%d+) (%d)')
if tonumber(v) > tonumber(ARGV[1]) then return {'newer_version', v} end
local _, last = string.find(pending, '\\n' .. ARGV[2] .. '\\t', 1, true)
if not last then return {'not_pending'} end
return {'pending', string.match(pending, '^[^\\n]*', last + 1), cancel}
`);
