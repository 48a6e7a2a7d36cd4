import { HOLDER_LENGTH } from '../membership/lease-steps.js';
import { leased } from '../membership/leased.js';
import { SHARDS } from './fields.js';
import { HOW, OUTBOX_LUA } from './outbox-steps.js';
import { BASE_36_LUA, PENDING_MS, RECORDS_LUA, RESOLVE_LUA, TENTATIVE_MS } from './visit-lua.js';

export const visitsKey = (shard: number): string => `visits-${shard}`;
export const VISITS_KEYS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => visitsKey(shard));
export const COUNTS = 'counts';
/**
 * By group: how far the log was when a visit has ended for everybody, and which have lately. What ends within `TENTATIVE_MS` is in one
 * of them, by turns; each expires before it is its turn again.
 */
export const ENDED_KEYS: readonly string[] = ['ended-0', 'ended-1', 'ended-2'];

/** Fields of visits that begin like this are no visits, but the number of the latest step of a node. */
export const LATEST = '#';
/** The answer where Redis has lost what it had acknowledged. */
export const BEHIND = 'BEHIND';

/** The most ended visits remembered per group. */
const MAX_ENDED = 24;
/** How many arguments an operation has, by its letter. */
export const WIDTHS = { F: 5, G: 5, C: 10, L: 8, X: 9 } as const;
/** Operations, by their letter. */
export type What = keyof typeof WIDTHS;
/**
 * Why a part is claimed: it has opened, or changed; its bucket has come back empty, and it is not new; or its visit has ended for
 * everybody, and it goes on as another.
 */
export const CLAIM = { open: '-', lost: 'lost', anew: 'anew' } as const;
export type Claim = keyof typeof CLAIM;

/**
 * Operations on visits in one hash of a bucket, in order:
 *
 * - `F` whose is this? A new visit begins, or this node holds a part of the one that it is. Answers how it was found (`new`: by
 *   this very step, with the names that were asked about; `mine`: this node has begun it, and nobody has been let in yet), id, opening
 *   time, names, until when it is allowed (`!`: whoever lets it in is to claim it), and how far the log has to be read before somebody
 *   new is admitted there.
 * - `G` it came to nothing: nobody was let in here. Answers `gone` if that leaves no trace, `none` if there was none; `left` if others go on with a visit
 *   that this node is to tell of; `passed` and who they are, if one of them is to do so when it lets somebody in; `closed` if others
 *   had, or have died before they could say so, and have gone.
 * - `C` this node holds a part: of that very visit; or of one that it turns out to be; or of a new one. Answers what it is, and
 *   `opened` if it began by this, or `over`: it has ended for everybody.
 * - `L` this node lets go of its part. The last one closes the visit.
 * - `X` the visit has ended for everybody. Answers who else holds parts.
 *
 *   If nobody has told of the visit before these two, they answer that it has begun as well: somebody was let in.
 *
 * Visits that this begins or ends are in the outbox until that has been reported, or taken back.
 *
 * Redis may have lost what it had acknowledged: a failover to a replica that was behind. So each incarnation leaves the number of its latest
 * step beside the visits, and finds it again by the next one. If not, this answers `BEHIND`, and does nothing.
 *
 * KEYS: leases, counts, outbox, visits, the three of what has ended. ARGV: incarnation, number of the step, those that have been told,
 * the latest step about these visits that was answered,
 * then for each operation its letter, place, id and
 *
 * - of `F` kind and stream, and names;
 * - of `G` opening time, and the step by which the visit has begun;
 * - of `C` opening time, kind and stream, names, last activity, allowed until, why (see `CLAIM`), and as whom this
 *   process has held the part before;
 * - of `L` and `X` opening time, why, last activity, bytes, bytes received, and of `X` how far the log is.
 *
 * Answers a text for each, and what this very step has made happen before.
 *
 * What all of it needs is read at once and written at once: a call costs more than what it does, and so does an argument.
 */
export const VISITS = leased(
  'visits',
  `${RECORDS_LUA}${RESOLVE_LUA}${OUTBOX_LUA}${BASE_36_LUA}
local me = sub(ARGV[1], 1, ${HOLDER_LENGTH})
local before = recall(KEYS[3], ARGV[2], ARGV[3])
local living
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
local widths = {${Object.entries(WIDTHS)
    .map(([what, width]) => `${what} = ${width}`)
    .join()}}
local places, begins, b = {}, {}, 4
local last = #ARGV
while b < last do
  local n = #places + 1
  places[n], begins[n] = ARGV[b + 2], b
  b = b + widths[ARGV[b + 1]]
end
local records, changed = {}, {}
if places[1] then
  local latest = '${LATEST}' .. me
  places[#places + 1] = latest
  local found = redis.call('HMGET', KEYS[4], unpack(places))
  places[#places] = nil
  local known, step = tonumber(found[#found] or 0), tonumber(ARGV[2])
  if ARGV[4] ~= '-' and known < tonumber(ARGV[4]) then return '${BEHIND}' end
  -- one that was given up may come after a later one
  if step > known then changed[latest] = ARGV[2] end
  for i, place in ipairs(places) do records[place] = found[i] end
end
local window = math.floor(now / ${TENTATIVE_MS})
local endsNow, endsBefore, ended = KEYS[5 + window % 3], KEYS[5 + (window + 2) % 3], {}
if places[1] and redis.call('EXISTS', endsNow, endsBefore) > 0 then
  for _, key in ipairs({endsBefore, endsNow}) do
    for i, known in ipairs(redis.call('HMGET', key, unpack(places))) do ended[places[i]] = known or ended[places[i]] end
  end
end
local endedNow = {}
local function save(place, all)
  local record = #all > 0 and text(all)
  records[place] = record
  changed[place] = record
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
  return visit[4] == '!' or (visit[4] == '?' and now - tonumber(visit[2], 36) <= ${PENDING_MS})
end
-- somebody was let in; whether nobody has told of that
local function begin(visit)
  local was = visit[4]
  if was == '?' or was == '!' then visit[4] = '-' end
  return was == '!'
end
local today = base36(now)
local function ask(b, place, all)
  local logAt = ended[place] and ' ' .. string.match(ended[place], '^[^,]+') or ' 0'
  local visit, how
  if all[1] then visit, how = resolve(all, split(ARGV[b + 5]), now, me) end
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
    how = find(before, openedLine(visit[1], visit[2]), 1, true) and 'new' or 'mine'
  end
  local allowed = visit[4]
  if allowed == '?' then allowed = '-' end
  return how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[5] .. ' ' .. allowed .. logAt
end
-- what is known of it, and who else holds a part
local function whole(visit, held) return ' ' .. figures(visit) .. ' ' .. held end
local function giveBack(b, place, all)
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
end
local function claim(b, place, all)
  local id, opened, shown, last, allowed = ARGV[b + 3], ARGV[b + 4], ARGV[b + 6], ARGV[b + 7], ARGV[b + 8]
  local visit, how = at(all, id, opened), 'known'
  if not visit then
    -- it ended for everybody before this came
    if ARGV[b + 9] ~= '${CLAIM.anew}' and ended[place] and has(ended[place], id .. '@' .. opened) then return 'over' end
    if all[1] then visit = resolve(all, split(shown), now, me) end
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
end
local function add(sum, more)
  if more == '0' or not sum then return sum or more end
  return sum == '0' and more or string.format('%.0f', sum + more)
end
local function leave(b, place, all, isForAll)
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
local function finish(b, place, all)
  local answer = leave(b, place, all, true)
  if answer == 'none' then return answer end
  local known, logAt = split(ended[place] or '0'), ARGV[b + 9]
  local items = {logAt ~= '-' and logAt or known[1], ARGV[b + 3] .. '@' .. ARGV[b + 4]}
  for j = 2, #known do if j < ${MAX_ENDED} then items[#items + 1] = known[j] end end
  ended[place] = table.concat(items, ',')
  endedNow[place] = ended[place]
  return answer
end
local act = {F = ask, G = giveBack, C = claim, L = leave, X = finish}
local answers = {}
for i, place in ipairs(places) do
  local from = begins[i]
  answers[i] = act[ARGV[from + 1]](from, place, parse(records[place]))
end
writeAll(KEYS[4], changed)
writeAll(endsNow, endedNow, ${2 * TENTATIVE_MS})
settle(KEYS[2])
post(KEYS[3], ARGV[2], before)
return {answers, before}`,
);

/**
 * Whether the latest steps of this incarnation are still there. KEYS: leases, the hashes of visits. ARGV: incarnation, for each hash the
 * number of the latest step that was answered, or `-`. Answers `BEHIND` if not.
 */
export const LOOK = leased(
  'look',
  `
local latest = '${LATEST}' .. string.sub(ARGV[1], 1, ${HOLDER_LENGTH})
for i = 2, #KEYS do
  if ARGV[i] ~= '-' and tonumber(redis.call('HGET', KEYS[i], latest) or 0) < tonumber(ARGV[i]) then return '${BEHIND}' end
end
return 'OK'`,
);
