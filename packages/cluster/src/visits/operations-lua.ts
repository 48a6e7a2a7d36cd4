import { HOLDER_LENGTH } from '../membership/lease-steps.js';
import { CLAIM } from './operation.js';
import { HOW, UNSAY_LUA } from './outbox-steps.js';
import { ADD_NAMES_LUA, PENDING_MS, RESOLVE_LUA } from './visit-lua.js';

/** The most ended visits remembered per group. */
const MAX_ENDED = 24;

/** Lua: of which node the operations are, and what they have read and changed. */
const CALL_LUA = `
local me, records, changed, before, ended, endedNow, living`;

/** Lua: for the next call of several. */
export const NEW_OPERATIONS_LUA = `
me = sub(ARGV[1], 1, ${HOLDER_LENGTH})
records, changed, before, ended, endedNow, living = {}, {}, '', {}, {}, nil`;

/**
 * Lua: what all operations need. Each is a function of where its arguments begin, its place, and the visits that are there, and returns its
 * answer.
 */
const COMMON_LUA = `
local act = {}
local function save(place, all)
  local record = text(all)
  records[place] = record
  changed[place] = record
end
local function at(all, id, opened)
  for i = 1, #all do if all[i][1] == id and all[i][2] == opened then return all[i] end end
end
-- nobody may have been let in yet
local function isPending(visit)
  return visit[4] == '!' or (visit[4] == '?' and now - tonumber(visit[2], 36) <= ${PENDING_MS})
end
-- somebody was let in; whether nobody has told of that
local function begin(visit)
  local was = visit[4]
  if was == '?' or was == '!' then visit[4] = '-' end
  return was == '!'
end
local function most(a, b) return a ~= b and tonumber(a, 36) > tonumber(b, 36) and a or b end`;

/** Lua: what may begin a visit. `today` is the time as `tonumber(text, 36)` reads it. */
const BEGIN_LUA = `${RESOLVE_LUA}
local function freeId(all, id)
  for i = 1, #all do if all[i][1] == id then return sub(redis.sha1hex(id .. now), 1, 16) end end
  return id
end
local today, rest = '', now
while rest > 0 or today == '' do
  local digit = rest % 36
  today = sub('0123456789abcdefghijklmnopqrstuvwxyz', digit + 1, digit + 1) .. today
  rest = (rest - digit) / 36
end`;

const ASK_LUA = `
act.F = function(b, place, all)
  local logAt = ended[place] and ' ' .. string.match(ended[place], '^[^,]+') or ' 0'
  local visit, how
  if all[1] then visit, how = resolve(all, split(ARGV[b + 5])) end
  if not visit then
    visit = {freeId(all, ARGV[b + 3]), today, ARGV[b + 4], '?', ARGV[b + 5], me}
    all[#all + 1] = visit
    count(visit, 1)
    happens('${HOW.opened}', visit, place)
    save(place, all)
    return 'new ' .. visit[1] .. ' ' .. today .. ' - -' .. logAt
  end
  if not holds(visit[6], me) then
    visit[6] = visit[6] .. me
    save(place, all)
  elseif how ~= 'late' and isPending(visit) and sub(visit[6], 1, #me) == me then
    how = find(before, '${HOW.opened} ' .. visit[1] .. ' ' .. visit[2] .. ' ', 1, true) and 'new' or 'mine'
  end
  local allowed = visit[4]
  if allowed == '?' then allowed = '-' end
  return how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[5] .. ' ' .. allowed .. logAt
end`;

const CLAIM_LUA = `${ADD_NAMES_LUA}
act.C = function(b, place, all)
  local id, opened, shown, last, allowed = ARGV[b + 3], ARGV[b + 4], ARGV[b + 6], ARGV[b + 7], ARGV[b + 8]
  local visit, how = at(all, id, opened), 'known'
  if not visit then
    -- it ended for everybody before this came
    if ARGV[b + 9] ~= '${CLAIM.anew}' and ended[place] and has(ended[place], id .. '@' .. opened) then return 'over' end
    if all[1] then visit = resolve(all, split(shown)) end
    how = 'joined'
    if visit and ARGV[b + 9] == '${CLAIM.lost}' then
      -- another has begun for this viewer meanwhile, and this one goes on as that
      happens('${HOW.closed}', {id, opened, ARGV[b + 5], '-', shown, '', last, '0', '0'}, 'renamed')
      how = 'moved'
    end
  end
  if not visit then
    local isLost = ARGV[b + 9] == '${CLAIM.lost}'
    local isFresh = isLost or (ARGV[b + 9] ~= '${CLAIM.anew}' and math.abs(tonumber(opened, 36) - now) <= 1000)
    visit = {freeId(all, id), isFresh and opened or today, ARGV[b + 5], '-', shown, ''}
    how = isLost and 'known' or 'opened'
    all[#all + 1] = visit
    count(visit, 1)
  end
  if visit[5] ~= shown then
    local names, own = split(shown), visit[5]
    if names[1] and how == 'known' and kindOf(names[1]) ~= 'f' and not has(own, names[1]) then own = names[1] .. ',' .. own end
    visit[5] = addNames(own, names)
  end
  if begin(visit) then how = 'opened' end
  visit[6] = without(visit[6], ARGV[b + 10])
  if not holds(visit[6], me) then visit[6] = visit[6] .. me end
  local latest = most(visit[7] or visit[2], last)
  if visit[7] or latest ~= visit[2] then visit[7], visit[8], visit[9] = latest, visit[8] or '0', visit[9] or '0' end
  if allowed ~= '-' then visit[4] = visit[4] == '-' and allowed or most(visit[4], allowed) end
  if how == 'opened' then happens('${HOW.opened}', visit, place) end
  save(place, all)
  return how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[5] .. ' ' .. visit[4]
end`;

/** Lua: what may end a visit. */
const END_LUA = `
local function others(holders)
  if holders == me then return '' end
  if not living then
    living = {}
    for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
      living[sub(incarnation, 1, ${HOLDER_LENGTH})] = true
    end
  end
  local held = ''
  for i = 1, #holders, ${HOLDER_LENGTH} do
    local holder = sub(holders, i, i + ${HOLDER_LENGTH - 1})
    if living[holder] and holder ~= me then held = held .. holder end
  end
  return held
end
local function close(all, visit, why)
  for i = #all, 1, -1 do if all[i] == visit then table.remove(all, i) end end
  count(visit, -1)
  if why then happens('${HOW.closed}', visit, why) end
end
-- what is known of it, and who else holds a part
local function whole(visit, held) return ' ' .. figures(visit) .. ' ' .. held end`;

const GIVE_BACK_LUA = `${UNSAY_LUA}
act.G = function(b, place, all)
  local id, opened, step = ARGV[b + 3], ARGV[b + 4], ARGV[b + 5]
  local visit = at(all, id, opened)
  if not visit or not holds(visit[6], me) then
    if visit and visit[4] == '!' then return 'passed' .. whole(visit, others(visit[6])) end
    return step ~= '-' and isSaid(KEYS[3], step, id, opened) and 'left' or 'none'
  end
  local isSure, answer = not isPending(visit), 'none'
  visit[6] = without(visit[6], me)
  local held = others(visit[6])
  if held == '' then
    -- where a dead node has begun it, somebody else tells of that
    local isUnsaid = not isSure and (visit[4] == '!' or unsay(KEYS[3], step, id, opened))
    close(all, visit, not isUnsaid and 'idle')
    answer = isUnsaid and 'gone' or 'closed' .. whole(visit, held)
  elseif step ~= '-' then
    if isSure then answer = 'left'
    elseif unsay(KEYS[3], step, id, opened) then
      visit[4] = '!'
      answer = 'passed' .. whole(visit, held)
    end
  end
  save(place, all)
  return answer
end`;

const LEAVE_LUA = `
local function add(sum, more)
  if more == '0' or not sum then return sum or more end
  return sum == '0' and more or string.format('%.0f', sum + more)
end
act.L = function(b, place, all, isForAll)
  local visit = at(all, ARGV[b + 3], ARGV[b + 4])
  if not visit or not (isForAll or holds(visit[6], me)) then return 'none' end
  local isUntold = begin(visit)
  if isUntold then happens('${HOW.opened}', visit, place) end
  visit[7] = most(visit[7] or visit[2], ARGV[b + 6])
  visit[8], visit[9] = add(visit[8], ARGV[b + 7]), add(visit[9], ARGV[b + 8])
  local held = others(visit[6])
  local isOver = isForAll or held == ''
  if isOver then close(all, visit, ARGV[b + 5]) else visit[6] = without(visit[6], me) end
  save(place, all)
  return (isUntold and 'opened-' or '') .. (isOver and 'closed' or 'left') .. whole(visit, held)
end
act.X = function(b, place, all)
  local answer = act.L(b, place, all, true)
  if answer == 'none' then return answer end
  local known, logAt = cut(ended[place] or '0', ','), ARGV[b + 9]
  local items = {logAt ~= '-' and logAt or known[1], ARGV[b + 3] .. '@' .. ARGV[b + 4]}
  for j = 2, #known do if j < ${MAX_ENDED} then items[#items + 1] = known[j] end end
  ended[place] = table.concat(items, ',')
  endedNow[place] = ended[place]
  return answer
end`;

/**
 * Lua: the operations, by their letters, in `act`. `make` makes those that a call uses, unless one before it has: Redis makes the functions
 * of a script anew each time that it runs, and thirty of them cost as much as five calls of Redis.
 */
export const OPERATIONS_LUA = `${CALL_LUA}${COMMON_LUA}
local function make(uses)
  if (uses.F or uses.C) and not act.F then
    ${BEGIN_LUA}
    ${ASK_LUA}
    ${CLAIM_LUA}
  end
  if (uses.G or uses.L or uses.X) and not act.L then
    ${END_LUA}
    ${GIVE_BACK_LUA}
    ${LEAVE_LUA}
  end
end`;
