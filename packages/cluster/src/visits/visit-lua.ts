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
/**
 * Redis keeps a small hash as a list, and reads through it for each field; not if a value has more than 64 bytes, by default. One long
 * value makes steps of ten a twentieth faster.
 */
const LONG = 65;
/**
 * Which counts have changed lately: those of `CHANGED_MS` are in one of these, by turns, so that others read no more than what has
 * changed. Each expires before it is its turn again.
 */
export const CHANGED_KEYS: readonly string[] = ['changed-0', 'changed-1', 'changed-2'];
/** Milliseconds. */
export const CHANGED_MS = 2_000;

/** Lua: who holds something, as texts of `HOLDER_LENGTH` letters, one after the other. */
const HOLDERS_LUA = `
local find, sub, format = string.find, string.sub, string.format
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

/** Lua: the parts of a text. Patterns are slow (20 ns a letter): what is plain is found without them. */
export const CUT_LUA = `
local function cut(text, between)
  local all, from, n = {}, 1, 0
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
end`;

/**
 * Lua: visits as texts. Those of one identity group are the lines of one field; a line has, with spaces between: id, opening
 * time, kind and stream, until when it is allowed, names, and who holds a part of it, or will in a moment. If any node has said so:
 * last activity, bytes, and bytes received. Times are in base 36. In place of until when it is allowed: `?` while nobody may have been
 * let in, and `!` where whoever began it has let nobody in, and others may. What has to be done once, however many visits change,
 * is done by `settle`, at the end.
 *
 * A key that is new gets its expiry. Later, `LOOK` extends it.
 */
export const RECORDS_LUA = `${HOLDERS_LUA}${CUT_LUA}
-- all nine fields at once: a table that grows costs more than what it holds
local function parseLine(t)
  local a = find(t, ' ', 1, true)
  local b = find(t, ' ', a + 1, true)
  local c = find(t, ' ', b + 1, true)
  local d = find(t, ' ', c + 1, true)
  local e = find(t, ' ', d + 1, true)
  local f = find(t, ' ', e + 1, true)
  local g = f and find(t, ' ', f + 1, true)
  local h = f and find(t, ' ', g + 1, true)
  return {
    sub(t, 1, a - 1), sub(t, a + 1, b - 1), sub(t, b + 1, c - 1), sub(t, c + 1, d - 1), sub(t, d + 1, e - 1), sub(t, e + 1, (f or 0) - 1),
    f and sub(t, f + 1, g - 1), f and sub(t, g + 1, h - 1), f and sub(t, h + 1),
  }
end
local function parse(text)
  if not text then return {} end
  if not find(text, '\\n', 1, true) then return {parseLine(text)} end
  local all = cut(text, '\\n')
  for i = 1, #all do all[i] = parseLine(all[i]) end
  return all
end
local function figures(v)
  if not v[7] then return v[2] .. ' 0 0' end
  return v[7] .. ' ' .. v[8] .. ' ' .. v[9]
end
local function line(v)
  if not v[7] then return v[1] .. ' ' .. v[2] .. ' ' .. v[3] .. ' ' .. v[4] .. ' ' .. v[5] .. ' ' .. v[6] end
  return v[1] .. ' ' .. v[2] .. ' ' .. v[3] .. ' ' .. v[4] .. ' ' .. v[5] .. ' ' .. v[6] .. ' ' .. v[7] .. ' ' .. v[8] .. ' ' .. v[9]
end
-- false: nobody is left
local function text(all)
  if not all[1] then return false end
  if not all[2] then return line(all[1]) end
  local lines = {}
  for i = 1, #all do lines[i] = line(all[i]) end
  return table.concat(lines, '\\n')
end
local counted = {}
local function count(visit, change) counted[visit[3]] = (counted[visit[3]] or 0) + change end
-- what has changed, by field; false: it is gone
local function writeAll(key, fields, keepMs)
  local set, gone, n, m = {}, {}, 0, 0
  for field, value in pairs(fields) do
    if value then
      set[n + 1], set[n + 2] = field, value
      n = n + 2
    else
      m = m + 1
      gone[m] = field
    end
  end
  if m > 0 then redis.call('HDEL', key, unpack(gone)) end
  if n > 0 and redis.call('HSET', key, unpack(set)) == n / 2 then redis.call('PEXPIRE', key, keepMs or '${KEEP_MS}') end
end
-- the first of CHANGED_KEYS is at this place among the keys
local function settle(key, changedAt)
  local abouts, sums, lately, n, areGone = {'${VERSION}'}, {}, {['${VERSION}'] = '${'0'.repeat(LONG)}'}, 1, false
  for about, change in pairs(counted) do
    if change ~= 0 then
      n = n + 1
      abouts[n] = about
    end
  end
  if n == 1 then return end
  local known = redis.call('HMGET', key, unpack(abouts))
  for i = 2, n do
    local sum = (known[i] or 0) + counted[abouts[i]]
    -- a text: Redis writes a number of Lua as one with a fraction, which takes longer than adding it up
    sums[abouts[i]] = sum > 0 and format('%d', sum)
    lately[abouts[i]] = '1'
    areGone = areGone or sum <= 0
  end
  -- later than any, also where the counts had gone meanwhile
  sums['${VERSION}'] = format('%0${LONG}d', math.max((known[1] or 0) + 1, now))
  writeAll(key, sums)
  writeAll(KEYS[changedAt + math.floor(now / ${CHANGED_MS}) % 3], lately, '${2 * CHANGED_MS}')
  if areGone and redis.call('HLEN', key) == 1 then redis.call('DEL', key) end
end`;

/** Lua: for the next call of several. */
export const NEW_RECORDS_LUA = `
counted = {}`;

/**
 * Lua: which visit a hit belongs to, by the rules of a single node. Names come best first, as kind and hash; the first name of a
 * visit is the one that it goes by.
 */
export const RESOLVE_LUA = `
local function split(list)
  if list == '-' then return {} end
  return cut(list, ',')
end
local function has(list, item)
  if list == item then return true end
  return find(',' .. list .. ',', ',' .. item .. ',', 1, true) ~= nil
end
local function kindOf(name) return sub(name, 1, 1) end
local function lastOf(visit) return tonumber(visit[7] or visit[2], 36) end
local function lacks(visit, names)
  local known = ',' .. visit[5]
  for _, name in ipairs(names) do
    local kind = kindOf(name)
    if kind ~= 'f' and find(known, ',' .. kind, 1, true) and (kind == 't' or not has(visit[5], name)) then return false end
  end
  return true
end
local function resolve(all, names)
  local best = names[1]
  if not best then return all[1], 'name' end
  for _, visit in ipairs(all) do
    if visit[5] == best or sub(visit[5], 1, #best + 1) == best .. ',' then return visit, 'name' end
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
        if lacks(visit, names) and mayTake then
          several = only ~= nil
          only = visit
        end
      end
    end
    if only and not several then return only, 'late' end
    if taken and kindOf(name) ~= 'f' then return nil end
  end
  return nil
end`;

/** Lua: the names of a visit, and more. */
export const ADD_NAMES_LUA = `
local function addNames(list, names)
  for _, name in ipairs(names) do if not has(list, name) then list = list == '-' and name or list .. ',' .. name end end
  local all = split(list)
  if #all <= ${MAX_NAMES} then return list end
  local kept = {all[1]}
  for i = #all - ${MAX_NAMES} + 2, #all do kept[#kept + 1] = all[i] end
  return table.concat(kept, ',')
end`;
