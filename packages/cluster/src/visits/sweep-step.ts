import { leased } from '../membership/leased.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { HOLDER_LENGTH, RECORDS_LUA } from './visit-lua.js';

/**
 * Removes the parts of a dead incarnation from some visits of one hash; visits that nobody holds any more are closed. Returns
 * where to continue, and what this has caused. KEYS: leases, counts, outbox, hash. ARGV: incarnation, number of the step, the
 * dead one, where.
 */
export const SWEEP = leased(
  'sweep',
  `${RECORDS_LUA}${OUTBOX_LUA}
local dead = string.sub(ARGV[3], 1, ${HOLDER_LENGTH})
local page = redis.call('HSCAN', KEYS[4], ARGV[4], 'COUNT', 200)
for i = 1, #page[2], 2 do
  local place, all, isChanged = page[2][i], parse(page[2][i + 1]), false
  for j = #all, 1, -1 do
    local visit = all[j]
    if has(visit[9], dead) then
      isChanged = true
      visit[9] = without(visit[9], dead)
      if visit[9] == '-' then
        table.remove(all, j)
        count(visit, -1)
        -- of one that nobody has told of, nobody tells the end
        if visit[7] ~= '!' then happens('${HOW.closed}', visit, 'lost') end
      elseif visit[7] == '?' then visit[7] = '-'
      end
    end
  end
  if isChanged then write(KEYS[4], place, all) end
end
settle(KEYS[2])
return {page[1], post(KEYS[3], ARGV[2], recall(KEYS[3], ARGV[2], '-'))}`,
);
