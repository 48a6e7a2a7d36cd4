import { HOLDER_LENGTH } from '../membership/lease-steps.js';
import { leased } from '../membership/leased.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { RECORDS_LUA } from './visit-lua.js';
import { LATEST } from './visit-steps.js';

/** Entries looked at per slice, of which Redis needs less than a millisecond; each slice costs a node a round trip. */
const PAGE = 200;

/**
 * Takes the parts of a dead incarnation from some visits of a bucket; those that nobody holds any more are closed. Answers
 * where to go on, and what has happened by this. KEYS: leases, counts, outbox, visits, those of changed counts. ARGV: incarnation, number of the step, the dead
 * one, where.
 */
export const SWEEP = leased(
  'sweep',
  `${RECORDS_LUA}${OUTBOX_LUA}
local dead = string.sub(ARGV[3], 1, ${HOLDER_LENGTH})
local page, changed = redis.call('HSCAN', KEYS[4], ARGV[4], 'COUNT', ${PAGE}), {}
for i = 1, #page[2], 2 do
  local place = page[2][i]
  -- most are not even read: two letters are rarely there by chance
  local isMeant = sub(place, 1, 1) ~= '${LATEST}' and find(page[2][i + 1], dead, 1, true)
  local all, isChanged = isMeant and parse(page[2][i + 1]) or {}, place == '${LATEST}' .. dead
  for j = #all, 1, -1 do
    local visit = all[j]
    if holds(visit[6], dead) then
      isChanged = true
      visit[6] = without(visit[6], dead)
      if visit[6] == '' then
        table.remove(all, j)
        count(visit, -1)
        -- of one that nobody has told of, nobody tells the end
        if visit[4] ~= '!' then happens('${HOW.closed}', visit, 'lost') end
      elseif visit[4] == '?' then visit[4] = '-'
      end
    end
  end
  if isChanged then changed[place] = text(all) end
end
writeAll(KEYS[4], changed)
settle(KEYS[2], 5)
return {page[1], post(KEYS[3], ARGV[2], redis.call('HGET', KEYS[3], ARGV[2]) or '')}`,
);
