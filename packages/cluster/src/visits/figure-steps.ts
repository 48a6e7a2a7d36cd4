import { leased } from '../membership/leased.js';
import { CHANGED_MS, RECORDS_LUA, VERSION } from './visit-lua.js';

/**
 * Holders, last activity, bytes and bytes received of visits: what was counted by those who let go. KEYS: leases, the hashes of
 * visits. ARGV: incarnation, then hash, place, id and opening time of each.
 */
export const READ = leased(
  'read-visits',
  `${RECORDS_LUA}
local answers = {}
for i = 1, (#ARGV - 1) / 4 do
  local at = 1 + (i - 1) * 4
  answers[i] = ''
  for _, visit in ipairs(parse(redis.call('HGET', KEYS[2 + ARGV[at + 1]], ARGV[at + 2]))) do
    if visit[1] == ARGV[at + 3] and visit[2] == ARGV[at + 4] then answers[i] = visit[6] .. ' ' .. figures(visit) end
  end
end
return answers`,
);

/** The fields read at a time: Lua has no room for many more on its stack. */
const AT_ONCE = 1_000;

/**
 * The number of visits by kind and stream: all of them, or those that may have changed since they were last read. KEYS: leases,
 * counts, those of changed counts. ARGV: incarnation, which ones are known, and when they were read (or ''). Answers the time,
 * and where something has changed: which ones these are, whether they are `all`, or `some`, and kind and stream alternating with the count.
 */
export const COUNT = leased(
  'count',
  `
local version = redis.call('HGET', KEYS[2], '${VERSION}') or ''
if version == ARGV[2] then return {now} end
local window, readAt = math.floor(now / ${CHANGED_MS}), tonumber(ARGV[3])
local passed = readAt and window - math.floor(readAt / ${CHANGED_MS})
local since = {KEYS[3 + window % 3], KEYS[3 + (window + 2) % 3]}
local isKept = passed == 0 or passed == 1
if not isKept or redis.call('HLEN', since[1]) + redis.call('HLEN', since[2]) >= redis.call('HLEN', KEYS[2]) then
  return {now, version, 'all', redis.call('HGETALL', KEYS[2])}
end
local some, named = {}, {['${VERSION}'] = true}
for _, key in ipairs(since) do
  local abouts = redis.call('HGETALL', key)
  for i = 1, #abouts / 2 do abouts[i] = abouts[2 * i - 1] end
  for from = 1, #abouts / 2, ${AT_ONCE} do
    local upTo = math.min(from + ${AT_ONCE - 1}, #abouts / 2)
    local counts = redis.call('HMGET', KEYS[2], unpack(abouts, from, upTo))
    for i = from, upTo do
      if not named[abouts[i]] then
        named[abouts[i]] = true
        some[#some + 1] = abouts[i]
        some[#some + 1] = counts[i - from + 1] or '0'
      end
    end
  end
end
return {now, version, 'some', some}`,
);
