import { leased } from '../membership/leased.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { HOLDER_LENGTH, RECORDS_LUA, RESOLVE_LUA, TENTATIVE_MS } from './visit-lua.js';

/** Visits of a bucket lie in so many hashes, so that none grows too large. */
export const SHARDS = 4;
export const COUNTS = 'counts';
export const shardKey = (shard: number): string => `visits-${shard}`;
export const SHARD_KEYS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
/** Of a group: how far the log was when the operator has ended a visit, which have ended for everybody, and which nobody has opened yet. */
export const nearKey = (place: string): string => `near-${place}`;

/** So many visits of a group that have ended are remembered. */
const MAX_ENDED = 24;
/** Arguments of an operation. */
export const WIDTH = 11;

/**
 * Operations on visits of one bucket, in order:
 *
 * - `F` whose is this? Answers how it was found, id, opening time, names, until when it is allowed, and how far the log has to
 *   be read before somebody new is admitted there.
 * - `C` this node holds a part: of that very visit; or of one that it turns out to be; or of a new one. Answers what it is, and
 *   `opened` if it began by this, or `none`: it has ended for everybody.
 * - `L` this node lets go of its part. The last one closes the visit, unless another node has asked about it and may hold it in
 *   a moment (`asked`): then this one still holds it, and lets go again later.
 * - `X` the visit has ended for everybody. Answers who else holds parts, or has asked and may hold one by now.
 *
 * What has begun and ended by this is in the outbox until it has been told.
 *
 * KEYS: leases, counts, outbox, the hashes, then for each operation what is near its group. ARGV: incarnation, number of the step,
 * those that have been told, then for each operation what and hash, place, id, opening time, kind and stream, names (of
 * `L` and `X`: why), last activity, bytes, bytes received, allowed until, and: of `C` whether the bucket was lost, of `X` how far the
 * log is. Answers a text for each, and what this very step has made happen before.
 *
 * What all of it needs is read at once and written at once: a call costs more than what it does.
 */
export const VISITS = leased(
  'visits',
  `${RECORDS_LUA}${RESOLVE_LUA}${OUTBOX_LUA}
local me = string.sub(ARGV[1], 1, ${HOLDER_LENGTH})
local living
local function others(holders)
  local held = {}
  if holders == me then return held end
  if not living then
    living = {}
    for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
      living[string.sub(incarnation, 1, ${HOLDER_LENGTH})] = true
    end
  end
  for _, holder in ipairs(split(holders)) do if living[holder] and holder ~= me then held[#held + 1] = holder end end
  return held
end
local operations, asked = (#ARGV - 3) / ${WIDTH}, {}
for b = 3, #ARGV - 1, ${WIDTH} do
  local hash, place = sub(ARGV[b + 1], 2), ARGV[b + 2]
  local places = asked[hash]
  if places then places[#places + 1] = place else asked[hash] = {place} end
end
local records, isWritten, nears, isNearWritten = {}, {}, {}, {}
for hash, places in pairs(asked) do
  local found = redis.call('HMGET', KEYS[4 + hash], unpack(places))
  for i, place in ipairs(places) do records[place] = found[i] end
end
if operations > 0 then
  local found = redis.call('MGET', unpack(KEYS, ${4 + SHARDS}))
  for i = 1, operations do nears[ARGV[3 + (i - 1) * ${WIDTH} + 2]] = found[i] end
end
local function save(hash, place, all)
  records[place] = #all > 0 and text(all)
  isWritten[place] = hash
end
-- who is coming, and what has ended: number of the log, ids
local function near(place)
  local found = nears[place]
  if not found then return {}, '0' end
  local ended, rest = string.match(found, '^([^\\n]+)\\n?(.*)$')
  return parse(rest), ended
end
local function keep(i, place, coming, ended)
  for j = #coming, 1, -1 do if now - coming[j][4] > ${TENTATIVE_MS} then table.remove(coming, j) end end
  nears[place] = (#coming > 0 or ended ~= '0') and (ended .. (#coming > 0 and '\\n' .. text(coming) or ''))
  isNearWritten[place] = i
end
local function at(all, id, opened)
  for _, visit in ipairs(all) do if visit[1] == id and visit[2] == opened then return visit end end
end
local function freeId(all, id)
  for _, visit in ipairs(all) do if visit[1] == id then return string.sub(redis.sha1hex(id .. now), 1, 16) end end
  return id
end
local function remembered(before, logAt, over)
  local known = split(before)
  local items = {logAt ~= '-' and logAt or known[1], over}
  for j = 2, #known do if j < ${MAX_ENDED} then items[#items + 1] = known[j] end end
  return table.concat(items, ',')
end
local today = string.format('%.0f', now)
local answers = {}
for i = 1, operations do
  local b = 3 + (i - 1) * ${WIDTH}
  local what, hash, place = sub(ARGV[b + 1], 1, 1), sub(ARGV[b + 1], 2), ARGV[b + 2]
  local id, opened, about = ARGV[b + 3], ARGV[b + 4], ARGV[b + 5]
  local all = parse(records[place])
  local coming, ended = near(place)
  local answer
  if what == 'F' then
    local names = split(ARGV[b + 6])
    local visit, how = resolve(all, names, now, me)
    if visit and has(visit[9], me) then
      -- it is a part of this node already, under another name
    elseif visit then
      local line = at(coming, visit[1], visit[2])
      if line then line[9] = add(line[9], me)
      else
        line = {}
        for j, field in ipairs(visit) do line[j] = field end
        line[9] = me
        coming[#coming + 1] = line
      end
      line[4] = today
      keep(i, place, coming, ended)
    else
      visit, how = resolve(coming, names, now, me)
      if visit then
        if string.match(visit[9], '^[^,]+') == me then how = 'new' end
        visit[9] = add(visit[9], me)
        visit[8] = addNames(visit[8], names)
        visit[4] = today
      else
        how = 'new'
        local own = freeId(all, id)
        if own == id then own = freeId(coming, id) end
        visit = {own, today, about, today, '0', '0', '-', ARGV[b + 6], me}
        coming[#coming + 1] = visit
      end
      keep(i, place, coming, ended)
    end
    answer = how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[8] .. ' ' .. visit[7] .. ' ' .. cut(ended, ',', {})[1]
  elseif what == 'C' then
    local visit, how = at(all, id, opened), 'known'
    local mine = at(coming, id, opened)
    if mine then
      mine[9] = without(mine[9], me)
      if mine[9] == '-' then drop(coming, mine) end
      keep(i, place, coming, ended)
    end
    -- it ended for everybody before this came
    local isOver = not visit and ended ~= '0' and has(ended, id .. '@' .. opened)
    if not visit and not isOver then
      if not mine and all[1] then
        visit, how = resolve(all, split(ARGV[b + 6]), now, me)
        if visit then how = 'joined' end
      end
      if not visit then
        local isFresh = mine or ARGV[b + 11] == 'lost' or math.abs(opened - now) <= 1000
        visit = {freeId(all, id), isFresh and opened or today, about, ARGV[b + 7], '0', '0', '-', mine and mine[8] or ARGV[b + 6], '-'}
        how = ARGV[b + 11] == 'lost' and 'known' or 'opened'
        all[#all + 1] = visit
        count(visit, 1)
      end
    end
    if isOver then answer = 'none'
    else
      if visit[8] ~= ARGV[b + 6] then
        local names, own = split(ARGV[b + 6]), visit[8]
        if names[1] and how == 'known' and kindOf(names[1]) ~= 'f' and not has(own, names[1]) then own = names[1] .. ',' .. own end
        visit[8] = addNames(own, names)
      end
      visit[9] = add(visit[9], me)
      visit[4] = most(visit[4], ARGV[b + 7])
      if ARGV[b + 10] ~= '-' then visit[7] = visit[7] == '-' and ARGV[b + 10] or most(visit[7], ARGV[b + 10]) end
      if how == 'opened' then happens('${HOW.opened}', visit, '-') end
      save(hash, place, all)
      answer = how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[8] .. ' ' .. visit[7]
    end
  else
    local visit = at(all, id, opened)
    if not visit or (what == 'L' and not has(visit[9], me)) then answer = 'none'
    else
      visit[4] = most(visit[4], ARGV[b + 7])
      if ARGV[b + 8] ~= '0' then visit[5] = sum(visit[5], ARGV[b + 8]) end
      if ARGV[b + 9] ~= '0' then visit[6] = sum(visit[6], ARGV[b + 9]) end
      local held = others(visit[9])
      local asking = at(coming, id, opened)
      local isAsked = #held == 0 and asking and without(asking[9], me) ~= '-'
      local isOver = what == 'X' or (#held == 0 and not isAsked)
      if isOver then
        drop(all, visit)
        count(visit, -1)
        happens('${HOW.closed}', visit, ARGV[b + 6])
        if asking then
          -- who has asked may hold a part by now, and is still to tell of it
          for _, asker in ipairs(others(asking[9])) do held[#held + 1] = asker end
          drop(coming, asking)
          keep(i, place, coming, ended)
        end
      elseif not isAsked then visit[9] = without(visit[9], me)
      end
      if what == 'X' then keep(i, place, coming, remembered(ended, ARGV[b + 11], id .. '@' .. opened)) end
      save(hash, place, all)
      local left = #held > 0 and table.concat(held, ',') or '-'
      local how = isOver and 'closed' or isAsked and 'asked' or 'left'
      answer = how .. ' ' .. visit[4] .. ' ' .. visit[5] .. ' ' .. visit[6] .. ' ' .. left
    end
  end
  answers[i] = answer
end
local changed = {}
for place, hash in pairs(isWritten) do
  local key = KEYS[4 + hash]
  local lists = changed[key]
  if not lists then
    lists = {{}, {}}
    changed[key] = lists
  end
  local record = records[place]
  local list = record and lists[1] or lists[2]
  list[#list + 1] = place
  if record then list[#list + 1] = record end
end
for key, lists in pairs(changed) do
  if #lists[2] > 0 then redis.call('HDEL', key, unpack(lists[2])) end
  if #lists[1] > 0 then
    redis.call('HSET', key, unpack(lists[1]))
    touched[key] = true
  end
end
for place, i in pairs(isNearWritten) do
  local key = KEYS[${3 + SHARDS} + i]
  if nears[place] then redis.call('SET', key, nears[place], 'PX', ${TENTATIVE_MS}) else redis.call('DEL', key) end
end
settle(KEYS[2])
return {answers, (post(KEYS[3], ARGV[2], ARGV[3]))}`,
);
