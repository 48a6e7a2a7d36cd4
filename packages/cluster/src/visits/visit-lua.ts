/** How a node is identified in records: the prefix of its incarnation. */
export const HOLDER_LENGTH = 8;
/** A visit that was asked about and has not opened after this is given back: as long as policies may take. Milliseconds. */
export const TENTATIVE_MS = 15_000;
/**
 * If nothing more was reported about a new visit after this, it has been admitted: otherwise it would have been given back.
 * Milliseconds.
 */
export const PENDING_MS = 2 * TENTATIVE_MS;
/** A visit that has just begun, or is already here, may get a better name. Milliseconds. */
export const LATE_MS = 10_000;
/** The most names per visit: what it goes by, and the latest others. Clients can make up as many as they like. */
const MAX_NAMES = 24;
/** How long keys of visits outlive their last change: no lease, and no visit without one, lasts that long. Milliseconds. */
export const KEEP_MS = 86_400_000;

/**
 * Lua: visits as texts. Those of one identity group are the lines of one field; a line has, separated by spaces: id, opening
 * time, kind and stream, last activity, bytes, bytes received, until when it is allowed, names, and the nodes that hold a part of
 * it, or will in a moment. Instead of until when it is allowed: `?` while possibly nobody has been admitted, and `!` if the node
 * that began it has admitted nobody, but others may. Work that is needed only once, however many visits change, is done by
 * `settle`, at the end. Patterns are slow (20 ns per character), so plain texts are found without them.
 */
export const RECORDS_LUA = `
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
local function parse(text)
  if not text or text == '' then return {} end
  if not find(text, '\\n', 1, true) then return {cut(text, ' ', {})} end
  local all = cut(text, '\\n', {})
  for i, line in ipairs(all) do all[i] = cut(line, ' ', {}) end
  return all
end
local function line(v)
  return v[1] .. ' ' .. v[2] .. ' ' .. v[3] .. ' ' .. v[4] .. ' ' .. v[5] .. ' ' .. v[6] .. ' ' .. v[7] .. ' ' .. v[8] .. ' ' .. v[9]
end
local function text(all)
  if not all[2] then return line(all[1]) end
  local lines = {}
  for i, visit in ipairs(all) do lines[i] = line(visit) end
  return table.concat(lines, '\\n')
end
local touched, counted = {}, {}
local function write(key, place, all)
  if #all == 0 then return redis.call('HDEL', key, place) end
  redis.call('HSET', key, place, text(all))
  touched[key] = true
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
  return string.find(',' .. list .. ',', ',' .. item .. ',', 1, true) ~= nil
end
local function add(list, item)
  if has(list, item) then return list end
  return list == '-' and item or list .. ',' .. item
end
local function addNames(list, names)
  for _, name in ipairs(names) do list = add(list, name) end
  local all = split(list)
  if #all <= ${MAX_NAMES} then return list end
  local kept = {all[1]}
  for i = #all - ${MAX_NAMES} + 2, #all do kept[#kept + 1] = all[i] end
  return table.concat(kept, ',')
end
local function without(list, item)
  if list == item then return '-' end
  local rest = {}
  for _, each in ipairs(split(list)) do if each ~= item then rest[#rest + 1] = each end end
  return #rest == 0 and '-' or table.concat(rest, ',')
end
local function most(a, b) return tonumber(a) > tonumber(b) and a or b end
local function sum(a, b) return string.format('%.0f', tonumber(a) + tonumber(b)) end
local function count(visit, change) counted[visit[3]] = (counted[visit[3]] or 0) + change end
local function settle(key)
  for about, change in pairs(counted) do
    if change ~= 0 then
      if redis.call('HINCRBY', key, about, change) <= 0 then redis.call('HDEL', key, about) end
      touched[key] = true
    end
  end
  for each in pairs(touched) do redis.call('PEXPIRE', each, ${KEEP_MS}) end
end`;

/**
 * Lua: which visit a hit belongs to, by the rules of a single node. Names come best first, as kind and hash; the first name of a
 * visit is the one that it goes by.
 */
export const RESOLVE_LUA = `
local function kindOf(name) return string.sub(name, 1, 1) end
local function knows(visit, kind) return string.find(',' .. visit[8], ',' .. kind, 1, true) ~= nil end
local function lacks(visit, names)
  for _, name in ipairs(names) do
    local kind = kindOf(name)
    if kind == 't' and knows(visit, 't') then return false end
    if kind ~= 'f' and knows(visit, kind) and not has(visit[8], name) then return false end
  end
  return true
end
local function resolve(all, names, now, me)
  if #all == 0 then return nil end
  local best = names[1]
  if not best then return all[1], 'name' end
  for _, visit in ipairs(all) do
    if string.match(visit[8], '^[^,]+') == best then return visit, 'name' end
  end
  local found
  for _, visit in ipairs(all) do
    if has(visit[8], best) and (not found or tonumber(visit[4]) >= tonumber(found[4])) then found = visit end
  end
  if found then return found, kindOf(best) == 'f' and 'alias' or 'name' end
  for i = 2, #names do
    local name = names[i]
    local only, several, taken
    for _, visit in ipairs(all) do
      if has(visit[8], name) then
        taken = true
        local mayTake = now - tonumber(visit[2]) <= ${LATE_MS} or has(visit[9], me)
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
