import { leased } from '../membership/leased.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { HOLDER_LENGTH, PENDING_MS, RECORDS_LUA, RESOLVE_LUA, TENTATIVE_MS } from './visit-lua.js';

/** The visits of a bucket are spread over this many hashes, so that none grows too large. */
export const SHARDS = 4;
export const COUNTS = 'counts';
export const shardKey = (shard: number): string => `visits-${shard}`;
export const SHARD_KEYS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
/** For a group: how far the log was when a visit ended everywhere, and which visits ended lately. */
export const nearKey = (place: string): string => `near-${place}`;

/** The most ended visits remembered per group. */
const MAX_ENDED = 24;
/** The number of arguments per operation. */
export const WIDTH = 11;
/** The letters of operations that need to know what has ended near their visit. */
export const LOOKS_NEAR = 'FCX';

/**
 * Operations on visits of one bucket, in order:
 *
 * - `F` finds the visit of a hit: a new one begins, or this node holds a part of an existing one. Returns how it was found
 *   (`new`: begun by this very step; `mine`: begun by this node, which has admitted nobody yet), id, opening time, names, until
 *   when it is allowed (`!`: a node that admits the viewer has to claim it), and how far the log has to be read before a newcomer
 *   is admitted there.
 * - `G` gives it back: nobody was admitted here. Returns `gone` if that leaves no trace, `none` if there was no such visit;
 *   `left` if others continue a visit that this node has to report; `passed` and the nodes, if one of them has to report it when
 *   it admits somebody; `closed` if others had admitted somebody, or died before they could say so, and are gone.
 * - `C` claims a part: of that very visit, of one that it turns out to be, or of a new one. Returns the visit, and `opened` if it
 *   began with this; or `none` if it has ended everywhere.
 * - `L` releases this node's part. The last one closes the visit.
 * - `X` ends the visit everywhere. Returns the other holders of parts.
 *
 * Visits that this begins or ends are in the outbox until that has been reported, or taken back.
 *
 * KEYS: leases, counts, outbox, the hashes, then for each operation that needs it what has ended near its group. ARGV:
 * incarnation, number of the step, the steps that have been reported, then for each operation its letter and hash, place, id,
 * opening time, kind and stream, names (for `L`, `X` and `G`: the reason), last activity, bytes, bytes received, allowed until,
 * and: for `C` whether the bucket was lost, for `X` the position in the log, for `G` the step by which the visit began. Returns a
 * text for each operation, and what this very step had caused before.
 *
 * All operations read at once and write at once, because a call costs more than its work.
 */
export const VISITS = leased(
  'visits',
  `${RECORDS_LUA}${RESOLVE_LUA}${OUTBOX_LUA}
local me = sub(ARGV[1], 1, ${HOLDER_LENGTH})
local before = recall(KEYS[3], ARGV[2], ARGV[3])
local living
local function others(holders)
  local held = {}
  if holders == me then return held end
  if not living then
    living = {}
    for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
      living[sub(incarnation, 1, ${HOLDER_LENGTH})] = true
    end
  end
  for _, holder in ipairs(split(holders)) do if living[holder] and holder ~= me then held[#held + 1] = holder end end
  return held
end
local operations, asked, looks = (#ARGV - 3) / ${WIDTH}, {}, {}
for b = 3, #ARGV - 1, ${WIDTH} do
  local what, place = ARGV[b + 1], ARGV[b + 2]
  local hash = sub(what, 2)
  local places = asked[hash]
  if places then places[#places + 1] = place else asked[hash] = {place} end
  if find('${LOOKS_NEAR}', sub(what, 1, 1), 1, true) then looks[#looks + 1] = place end
end
local records, isWritten, nears, isNearWritten = {}, {}, {}, {}
for hash, places in pairs(asked) do
  local found = redis.call('HMGET', KEYS[4 + hash], unpack(places))
  for i, place in ipairs(places) do records[place] = found[i] end
end
if #looks > 0 then
  local found = redis.call('MGET', unpack(KEYS, ${4 + SHARDS}))
  for i, place in ipairs(looks) do nears[place] = found[i] end
end
local function save(hash, place, all)
  records[place] = #all > 0 and text(all)
  isWritten[place] = hash
end
local function at(all, id, opened)
  for _, visit in ipairs(all) do if visit[1] == id and visit[2] == opened then return visit end end
end
local function freeId(all, id)
  for _, visit in ipairs(all) do if visit[1] == id then return sub(redis.sha1hex(id .. now), 1, 16) end end
  return id
end
local function close(all, visit, why)
  drop(all, visit)
  count(visit, -1)
  if why then happens('${HOW.closed}', visit, why) end
end
-- nobody may have been let in yet
local function isPending(visit)
  return (visit[7] == '?' or visit[7] == '!') and now - visit[2] <= ${PENDING_MS}
end
local function begin(visit) if visit[7] == '?' or visit[7] == '!' then visit[7] = '-' end end
local function figures(visit, held)
  return ' ' .. visit[4] .. ' ' .. visit[5] .. ' ' .. visit[6] .. ' ' .. (#held > 0 and table.concat(held, ',') or '-')
end
local today = string.format('%.0f', now)
local function ask(b, hash, place, all)
  local names = split(ARGV[b + 6])
  local visit, how = resolve(all, names, now, me)
  if not visit then
    how = 'new'
    visit = {freeId(all, ARGV[b + 3]), today, ARGV[b + 5], today, '0', '0', '?', ARGV[b + 6], me}
    all[#all + 1] = visit
    count(visit, 1)
    happens('${HOW.opened}', visit, hash .. place)
    save(hash, place, all)
  elseif not has(visit[9], me) then
    visit[9] = add(visit[9], me)
    save(hash, place, all)
  elseif how ~= 'late' and isPending(visit) and sub(visit[9], 1, #me) == me then
    how = find(before, openedLine(visit[1], visit[2]), 1, true) and 'new' or 'mine'
  end
  local allowed = visit[7]
  if allowed == '?' or (allowed == '!' and not isPending(visit)) then allowed = '-' end
  local ended = nears[place] or '0'
  return how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[8] .. ' ' .. allowed .. ' ' .. string.match(ended, '^[^,]+')
end
local function giveBack(b, hash, place, all)
  local id, opened, step = ARGV[b + 3], ARGV[b + 4], ARGV[b + 11]
  local visit = at(all, id, opened)
  if not visit or not has(visit[9], me) then
    if visit and visit[7] == '!' then return 'passed' .. figures(visit, others(visit[9])) end
    return step ~= '-' and isSaid(KEYS[3], step, id, opened) and 'left' or 'none'
  end
  local isSure, answer = not isPending(visit), 'none'
  visit[9] = without(visit[9], me)
  local held = others(visit[9])
  if #held == 0 then
    -- where a dead node has begun it, somebody else tells of that
    local isUnsaid = not isSure and (visit[7] == '!' or unsay(KEYS[3], step, id, opened))
    close(all, visit, not isUnsaid and ARGV[b + 6])
    answer = isUnsaid and 'gone' or 'closed' .. figures(visit, held)
  elseif step ~= '-' then
    if isSure then answer = 'left'
    elseif unsay(KEYS[3], step, id, opened) then
      visit[7] = '!'
      answer = 'passed' .. figures(visit, held)
    end
  end
  save(hash, place, all)
  return answer
end
local function claim(b, hash, place, all)
  local id, opened, shown, allowed = ARGV[b + 3], ARGV[b + 4], ARGV[b + 6], ARGV[b + 10]
  local visit, how = at(all, id, opened), 'known'
  if not visit then
    -- it ended for everybody before this came
    if nears[place] and has(nears[place], id .. '@' .. opened) then return 'none' end
    if all[1] then visit = resolve(all, split(shown), now, me) end
    how = 'joined'
  end
  if not visit then
    local isLost = ARGV[b + 11] == 'lost'
    local isFresh = isLost or math.abs(opened - now) <= 1000
    visit = {freeId(all, id), isFresh and opened or today, ARGV[b + 5], ARGV[b + 7], '0', '0', '-', shown, '-'}
    how = isLost and 'known' or 'opened'
    all[#all + 1] = visit
    count(visit, 1)
  end
  if visit[8] ~= shown then
    local names, own = split(shown), visit[8]
    if names[1] and how == 'known' and kindOf(names[1]) ~= 'f' and not has(own, names[1]) then own = names[1] .. ',' .. own end
    visit[8] = addNames(own, names)
  end
  if visit[7] == '!' then how = 'opened' end
  begin(visit)
  visit[9] = add(visit[9], me)
  visit[4] = most(visit[4], ARGV[b + 7])
  if allowed ~= '-' then visit[7] = visit[7] == '-' and allowed or most(visit[7], allowed) end
  if how == 'opened' then happens('${HOW.opened}', visit, hash .. place) end
  save(hash, place, all)
  return how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[8] .. ' ' .. visit[7]
end
local function leave(b, hash, place, all, isForAll)
  local visit = at(all, ARGV[b + 3], ARGV[b + 4])
  if not visit or not (isForAll or has(visit[9], me)) then return 'none' end
  begin(visit)
  visit[4] = most(visit[4], ARGV[b + 7])
  if ARGV[b + 8] ~= '0' then visit[5] = sum(visit[5], ARGV[b + 8]) end
  if ARGV[b + 9] ~= '0' then visit[6] = sum(visit[6], ARGV[b + 9]) end
  local held = others(visit[9])
  local isOver = isForAll or #held == 0
  if isOver then close(all, visit, ARGV[b + 6]) else visit[9] = without(visit[9], me) end
  save(hash, place, all)
  return (isOver and 'closed' or 'left') .. figures(visit, held)
end
local function letGo(b, hash, place, all) return leave(b, hash, place, all, false) end
local function finish(b, hash, place, all)
  local answer = leave(b, hash, place, all, true)
  if answer == 'none' then return answer end
  local known, logAt = split(nears[place] or '0'), ARGV[b + 11]
  local items = {logAt ~= '-' and logAt or known[1], ARGV[b + 3] .. '@' .. ARGV[b + 4]}
  for j = 2, #known do if j < ${MAX_ENDED} then items[#items + 1] = known[j] end end
  nears[place] = table.concat(items, ',')
  isNearWritten[place] = true
  return answer
end
local act = {F = ask, G = giveBack, C = claim, L = letGo, X = finish}
local answers = {}
for i = 1, operations do
  local b = 3 + (i - 1) * ${WIDTH}
  local what, place = ARGV[b + 1], ARGV[b + 2]
  answers[i] = act[sub(what, 1, 1)](b, sub(what, 2), place, parse(records[place]))
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
for i, place in ipairs(looks) do
  if isNearWritten[place] then redis.call('SET', KEYS[${3 + SHARDS} + i], nears[place], 'PX', ${TENTATIVE_MS}) end
end
settle(KEYS[2])
post(KEYS[3], ARGV[2], before)
return {answers, before}`,
);
