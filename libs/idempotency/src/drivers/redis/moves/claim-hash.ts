/**
 * The beginning of every move on a claim, a hash. ARGV[1] is the newest version of a claim that the caller can read,
 * ARGV[2] its token.
 *
 * Fields: `v`, `digest`, `token` (empty: handed back, or sealed), `lease` (its end, ms), `started`, `attempts`,
 * `not_before`, `cancel`, `grant` (what a takeover answered, for its repeat), `record`, `deaths`, `outcome` (JSON), `expires`.
 * A field that isn't there is 0 or none.
 *
 * Answers `{'newer_version', v}` for a claim of a later release.
 */
export const CLAIM_HASH = `
local v, digest, token, lease, started, attempts, not_before, cancel, grant, outcome = unpack(redis.call('HMGET',
  KEYS[1], 'v', 'digest', 'token', 'lease', 'started', 'attempts', 'not_before', 'cancel', 'grant', 'outcome'))
if v and tonumber(v) > tonumber(ARGV[1]) then return {'newer_version', v} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
lease = tonumber(lease or 0)
-- held by the caller and not ended
local holds = v and not outcome and token == ARGV[2]
-- ended by the Commander: an outcome that nobody who held it has recorded
local sealed = outcome and token == ''
`;
