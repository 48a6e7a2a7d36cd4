import { HOLDER_LENGTH } from '../membership/lease-steps.js';

/** What was asked about and has not opened after this is given back: as long as policies may think. Milliseconds. */
export const TENTATIVE_MS = 15_000;
/**
 * If nothing more was reported about a new visit after this, somebody has been let in: otherwise it would have been given back.
 * Milliseconds.
 */
export const PENDING_MS = 2 * TENTATIVE_MS;
/** A visit that has just begun, or is already here, may get a better name. Milliseconds. */
export const LATE_MS = 10_000;
/** The most names per visit: what it goes by, and the latest others. Clients can make up as many as they like. */
const MAX_NAMES = 24;
/** How long keys of visits outlive their last change: no lease, and no visit without one, lasts that long. Milliseconds. */
export const KEEP_MS = 86_400_000;

/** The field of counts that changes with each of them: so others see whether they have to be read again. */
export const VERSION = '#';

/** Lua: who holds something, as texts of `HOLDER_LENGTH` letters, one after the other. Patterns are slow (20 ns a letter): what is plain is found without them. */
export const HOLDERS_LUA = `
local find, sub = string.find, string.sub
local function cut(text, between, all)
  local from, n = 1, 0
  while true do
    local at = find(text, between, from, true)
    n = n + 1
    if not at then
      all[n] = sub(text, from)
      return all
    end
    all[n] = sub(text, from, at - 1)
    from = at + 1
  end
end
local function holds(holders, holder)
  if holders == holder then return true end
  for i = 1, #holders, ${HOLDER_LENGTH} do if sub(holders, i, i + ${HOLDER_LENGTH - 1}) == holder then return true end end
  return false
end
local function without(holders, holder)
  if holders == holder then return '' end
  for i = 1, #holders, ${HOLDER_LENGTH} do
    if sub(holders, i, i + ${HOLDER_LENGTH - 1}) == holder then return sub(holders, 1, i - 1) .. sub(holders, i + ${HOLDER_LENGTH}) end
  end
  return holders
end`;

/** Lua: a whole number in base 36, as `tonumber(text, 36)` reads it. */
export const BASE_36_LUA = `
local function base36(number)
  local text = ''
  while number > 0 or text == '' do
    local digit = number % 36
    text = sub('0123456789abcdefghijklmnopqrstuvwxyz', digit + 1, digit + 1) .. text
    number = (number - digit) / 36
  end
  return text
end`;

/**
 * Lua: visits as texts. Those of one identity group are the lines of one field; a line has, with spaces between: id, opening
 * time, kind and stream, until when it is allowed, names, and who holds a part of it, or will in a moment. If any node has said so:
 * last activity, bytes, and bytes received. Times are in base 36. In place of until when it is allowed: `?` while nobody may have been
 * let in, and `!` where whoever began it has let nobody in, and others may. What has to be done once, however many visits change,
 * is done by `settle`, at the end.
 */
export const RECORDS_LUA = `${HOLDERS_LUA}
local function parse(text)
  if not text then return {} end
  if not find(text, '\\n', 1, true) then return {cut(text, ' ', {})} end
  local all = cut(text, '\\n', {})
  for i, line in ipairs(all) do all[i] = cut(line, ' ', {}) end
  return all
end
local function figures(v)
  if not v[7] then return v[2] .. ' 0 0' end
  return v[7] .. ' ' .. v[8] .. ' ' .. v[9]
end
local function line(v)
  local known = v[1] .. ' ' .. v[2] .. ' ' .. v[3] .. ' ' .. v[4] .. ' ' .. v[5] .. ' ' .. v[6]
  return v[7] and known .. ' ' .. figures(v) or known
end
local function text(all)
  if not all[2] then return line(all[1]) end
  local lines = {}
  for i, visit in ipairs(all) do lines[i] = line(visit) end
  return table.concat(lines, '\\n')
end
local function drop(all, visit)
  for i = #all, 1, -1 do if all[i] == visit then table.remove(all, i) end end
end
local function split(list)
  if list == '-' then return {} end
  return cut(list, ',', {})
end
local function has(list, item)
  if list == item then return true end
  return find(',' .. list .. ',', ',' .. item .. ',', 1, true) ~= nil
end
local function most(a, b) return a ~= b and tonumber(a, 36) > tonumber(b, 36) and a or b end
local counted = {}
local function count(visit, change) counted[visit[3]] = (counted[visit[3]] or 0) + change end
-- what has changed, by field; false: it is gone
local function writeAll(key, fields, keepMs)
  local set, gone = {}, {}
  for field, value in pairs(fields) do
    if value then
      set[#set + 1] = field
      set[#set + 1] = value
    else gone[#gone + 1] = field
    end
  end
  if gone[1] then redis.call('HDEL', key, unpack(gone)) end
  if set[1] then
    redis.call('HSET', key, unpack(set))
    redis.call('PEXPIRE', key, keepMs or ${KEEP_MS})
  end
end
local function settle(key)
  local abouts, sums, areGone = {'${VERSION}'}, {}, false
  for about, change in pairs(counted) do if change ~= 0 then abouts[#abouts + 1] = about end end
  if not abouts[2] then return end
  local known = redis.call('HMGET', key, unpack(abouts))
  for i = 2, #abouts do
    local sum = (known[i] or 0) + counted[abouts[i]]
    sums[abouts[i]] = sum > 0 and sum
    areGone = areGone or sum <= 0
  end
  -- later than any, also where the counts had gone meanwhile
  sums['${VERSION}'] = string.format('%.0f', math.max((known[1] or 0) + 1, now))
  writeAll(key, sums)
  if areGone and redis.call('HLEN', key) == 1 then redis.call('DEL', key) end
end`;

/**
 * Lua: which visit a hit belongs to, by the rules of a single node. Names come best first, as kind and hash; the first name of a
 * visit is the one that it goes by.
 */
export const RESOLVE_LUA = `
local function kindOf(name) return sub(name, 1, 1) end
local function resolve(all, names, now, me)
  if #all == 0 then return nil end
  local function knows(visit, kind) return find(',' .. visit[5], ',' .. kind, 1, true) ~= nil end
  local function lacks(visit)
    for _, name in ipairs(names) do
      local kind = kindOf(name)
      if kind == 't' and knows(visit, 't') then return false end
      if kind ~= 'f' and knows(visit, kind) and not has(visit[5], name) then return false end
    end
    return true
  end
  local function lastOf(visit) return tonumber(visit[7] or visit[2], 36) end
  local best = names[1]
  if not best then return all[1], 'name' end
  for _, visit in ipairs(all) do
    if string.match(visit[5], '^[^,]+') == best then return visit, 'name' end
  end
  local found
  for _, visit in ipairs(all) do
    if has(visit[5], best) and (not found or lastOf(visit) >= lastOf(found)) then found = visit end
  end
  if found then return found, kindOf(best) == 'f' and 'alias' or 'name' end
  for i = 2, #names do
    local name = names[i]
    local only, several, taken
    for _, visit in ipairs(all) do
      if has(visit[5], name) then
        taken = true
        local mayTake = now - tonumber(visit[2], 36) <= ${LATE_MS} or holds(visit[6], me)
        if lacks(visit) and mayTake then
          several = only ~= nil
          only = visit
        end
      end
    end
    if only and not several then return only, 'late' end
    if taken and kindOf(name) ~= 'f' then return nil end
  end
  return nil
end
local function addNames(list, names)
  for _, name in ipairs(names) do if not has(list, name) then list = list == '-' and name or list .. ',' .. name end end
  local all = split(list)
  if #all <= ${MAX_NAMES} then return list end
  local kept = {all[1]}
  for i = #all - ${MAX_NAMES} + 2, #all do kept[#kept + 1] = all[i] end
  return table.concat(kept, ',')
end`;
