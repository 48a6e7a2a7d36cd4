import { leased } from '../membership/leased.js';
import { RECORDS_LUA } from './visit-lua.js';

/** Bytes, bytes received and holders of visits: what was counted by those who let go. KEYS: leases, hashes. ARGV: incarnation, then hash, place, id and opening time of each. */
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

/** How many there are by kind and stream. KEYS: leases, counts. ARGV: incarnation, then the fields; none: all. */
export const COUNT = leased(
  'count',
  `
local flat = {}
if #ARGV == 1 then
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do if tonumber(all[i + 1]) > 0 then flat[#flat + 1] = all[i]; flat[#flat + 1] = all[i + 1] end end
  return flat
end
for i = 2, #ARGV do
  flat[#flat + 1] = ARGV[i]
  flat[#flat + 1] = redis.call('HGET', KEYS[2], ARGV[i]) or '0'
end
return flat`,
);
