import { leased } from '../membership/leased.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { HOLDER_LENGTH, RECORDS_LUA, RESOLVE_LUA, TENTATIVE_MS } from './visit-lua.js';

/** Visits of a bucket lie in so many hashes, so that none grows too large. */
export const SHARDS = 4;
export const COUNTS = 'counts';
export const shardKey = (shard: number): string => `visits-${shard}`;
export const SHARD_KEYS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
/** Visits of a group that nobody has opened yet. */
export const tentativeKey = (place: string): string => `new-${place}`;
/** How far the log was when a visit of the group was ended by the operator, and which of them have ended for everybody lately. */
export const endedKey = (place: string): string => `ended-${place}`;

/** So many visits of a group that have ended are remembered. */
const MAX_ENDED = 24;
/** Arguments of an operation. */
export const WIDTH = 12;

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
 * KEYS: leases, counts, outbox, the hashes, then for each operation its tentative visits and how far the log was. ARGV:
 * incarnation, number of the step, those that have been told, then for each operation what, hash, place, id, opening time, kind
 * and stream, names (of `L` and `X`: why), last activity, bytes, bytes received, allowed until, and: of `C` whether the bucket was
 * lost, of `X` how far the log is. Answers an answer for each, and what this very step has made happen before.
 */
export const VISITS = leased(
  'visits',
  `${RECORDS_LUA}${RESOLVE_LUA}${OUTBOX_LUA}
local me = string.sub(ARGV[1], 1, ${HOLDER_LENGTH})
local living = {}
for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
  living[string.sub(incarnation, 1, ${HOLDER_LENGTH})] = true
end
local function others(holders)
  local held = {}
  for _, holder in ipairs(split(holders)) do if living[holder] and holder ~= me then held[#held + 1] = holder end end
  return held
end
local function keep(key, coming)
  if #coming == 0 then redis.call('DEL', key) else redis.call('SET', key, text(coming), 'PX', ${TENTATIVE_MS}) end
end
local function at(all, id, opened)
  for _, visit in ipairs(all) do if visit[1] == id and visit[2] == opened then return visit end end
end
local function freeId(all, id)
  for _, visit in ipairs(all) do if visit[1] == id then return string.sub(redis.sha1hex(id .. now), 1, 16) end end
  return id
end
local function remember(key, logAt, ended)
  local before = split(redis.call('GET', key) or '0')
  local items = {logAt ~= '-' and logAt or before[1], ended}
  for j = 2, #before do if j < ${MAX_ENDED} then items[#items + 1] = before[j] end end
  redis.call('SET', key, table.concat(items, ','), 'PX', ${TENTATIVE_MS})
end
local answers = {}
for i = 1, (#ARGV - 3) / ${WIDTH} do
  local a = {}
  for j = 1, ${WIDTH} do a[j] = ARGV[3 + (i - 1) * ${WIDTH} + j] end
  local what, key, place, id, opened, about = a[1], KEYS[tonumber(a[2]) + 4], a[3], a[4], a[5], a[6]
  local newKey, endedKey = KEYS[${4 + SHARDS} + 2 * (i - 1)], KEYS[${5 + SHARDS} + 2 * (i - 1)]
  local names = split(a[7])
  local all = parse(redis.call('HGET', key, place))
  local answer
  if what == 'F' then
    local visit, how = resolve(all, names, now, me)
    if visit and has(visit[9], me) then
      -- it is a part of this node already, under another name
    elseif visit then
      local coming = parse(redis.call('GET', newKey))
      local line = at(coming, visit[1], visit[2])
      if line then line[9] = add(line[9], me)
      else
        line = {}
        for j, field in ipairs(visit) do line[j] = j == 9 and me or field end
        coming[#coming + 1] = line
      end
      keep(newKey, coming)
    else
      local coming = parse(redis.call('GET', newKey))
      visit, how = resolve(coming, names, now, me)
      if visit then
        if string.match(visit[9], '^[^,]+') == me then how = 'new' end
        visit[9] = add(visit[9], me)
        visit[8] = addNames(visit[8], names)
      else
        local both = {}
        for _, each in ipairs(all) do both[#both + 1] = each end
        for _, each in ipairs(coming) do both[#both + 1] = each end
        how = 'new'
        visit = {freeId(both, id), string.format('%.0f', now), about, string.format('%.0f', now), '0', '0', '-', a[7], me}
        coming[#coming + 1] = visit
      end
      keep(newKey, coming)
    end
    local ended = split(redis.call('GET', endedKey) or '0')
    answer = {how, visit[1], visit[2], visit[8], visit[7], ended[1]}
  elseif what == 'C' then
    local visit, how = at(all, id, opened), 'known'
    local coming = parse(redis.call('GET', newKey))
    local mine = at(coming, id, opened)
    if mine then
      mine[9] = without(mine[9], me)
      if mine[9] == '-' then drop(coming, mine) end
      keep(newKey, coming)
    end
    -- it ended for everybody before this came
    local isOver = not visit and has(redis.call('GET', endedKey) or '0', id .. '@' .. opened)
    if not visit and not isOver then
      if not mine then
        visit, how = resolve(all, names, now, me)
        if visit then how = 'joined' end
      end
      if not visit then
        local isFresh = mine or a[12] == 'lost' or math.abs(tonumber(opened) - now) <= 1000
        local from = isFresh and opened or string.format('%.0f', now)
        visit = {freeId(all, id), from, about, a[8], '0', '0', '-', mine and mine[8] or a[7], '-'}
        how = a[12] == 'lost' and 'known' or 'opened'
        all[#all + 1] = visit
        count(visit, 1)
      end
    end
    if isOver then answer = {'none'}
    else
      local own = visit[8]
      if names[1] and how == 'known' and kindOf(names[1]) ~= 'f' and not has(own, names[1]) then own = names[1] .. ',' .. own end
      visit[8] = addNames(own, names)
      visit[9] = add(visit[9], me)
      visit[4] = most(visit[4], a[8])
      if a[11] ~= '-' then visit[7] = visit[7] == '-' and a[11] or most(visit[7], a[11]) end
      if how == 'opened' then happens('${HOW.opened}', visit, '-') end
      write(key, place, all)
      answer = {how, visit[1], visit[2], visit[8], visit[7]}
    end
  else
    local visit = at(all, id, opened)
    if not visit or (what == 'L' and not has(visit[9], me)) then answer = {'none'}
    else
      visit[4] = most(visit[4], a[8])
      visit[5] = sum(visit[5], a[9])
      visit[6] = sum(visit[6], a[10])
      local held = others(visit[9])
      local coming = parse(redis.call('GET', newKey))
      local asking = at(coming, id, opened)
      local isAsked = #held == 0 and asking and without(asking[9], me) ~= '-'
      local isOver = what == 'X' or (#held == 0 and not isAsked)
      if isOver then
        drop(all, visit)
        count(visit, -1)
        happens('${HOW.closed}', visit, a[7])
        if asking then
          -- who has asked may hold a part by now, and is still to tell of it
          for _, asker in ipairs(others(asking[9])) do held[#held + 1] = asker end
          drop(coming, asking)
          keep(newKey, coming)
        end
      elseif not isAsked then visit[9] = without(visit[9], me)
      end
      if what == 'X' then remember(endedKey, a[12], id .. '@' .. opened) end
      write(key, place, all)
      answer = {isOver and 'closed' or isAsked and 'asked' or 'left', visit[4], visit[5], visit[6], table.concat(held, ',')}
    end
  end
  answers[i] = answer
end
settle(KEYS[2])
return {answers, (post(KEYS[3], ARGV[2], ARGV[3]))}`,
);

/**
 * Takes the parts of a dead incarnation from some visits of one hash; those that nobody holds any more are closed. Answers
 * where to go on, and what has happened by this. KEYS: leases, counts, outbox, hash. ARGV: incarnation, number of the step, the dead
 * one, where.
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
        happens('${HOW.closed}', visit, 'lost')
      end
    end
  end
  if isChanged then write(KEYS[4], place, all) end
end
settle(KEYS[2])
local _, text = post(KEYS[3], ARGV[2], '-')
return {page[1], text}`,
);

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
