import { leased } from '../membership/leased.js';
import { RECORDS_LUA, VERSION } from './visit-lua.js';

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

/** What `COUNT` answers where nothing has changed. */
export const UNCHANGED = 'UNCHANGED';

/**
 * The number of visits, as kind and stream alternating with the count; among them, under `VERSION`, is which counts these are. KEYS:
 * leases, counts. ARGV: incarnation, which ones are known.
 */
export const COUNT = leased(
  'count',
  `
if redis.call('HGET', KEYS[2], '${VERSION}') == ARGV[2] then return '${UNCHANGED}' end
return redis.call('HGETALL', KEYS[2])`,
);
