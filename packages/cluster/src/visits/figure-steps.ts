import { leased } from '../membership/leased.js';
import { RECORDS_LUA } from './visit-lua.js';

/**
 * Bytes, bytes received and holders of visits: the bytes are those of nodes that have let go. KEYS: leases, hashes. ARGV:
 * incarnation, then hash, place, id and opening time of each.
 */
export const READ = leased(
  'read-visits',
  `${RECORDS_LUA}
local answers = {}
for i = 1, (#ARGV - 1) / 4 do
  local at = 1 + (i - 1) * 4
  answers[i] = {'0', '0', '-'}
  for _, visit in ipairs(parse(redis.call('HGET', KEYS[tonumber(ARGV[at + 1]) + 2], ARGV[at + 2]))) do
    if visit[1] == ARGV[at + 3] and visit[2] == ARGV[at + 4] then answers[i] = {visit[5], visit[6], visit[9]} end
  end
end
return answers`,
);

/** The number of visits, as kind and stream alternating with the count. KEYS: leases, counts. ARGV: incarnation. */
export const COUNT = leased('count', `return redis.call('HGETALL', KEYS[2])`);
