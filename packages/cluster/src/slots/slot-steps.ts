import { leased, leasedTogether } from '../membership/leased.js';

/** Slots that nobody has claimed for this long are free. Holders claim them again in time. Milliseconds. */
export const KEEP_MS = 86_400_000;

/** The most that may be pending for one key, besides those that count. */
const MAX_UNDER_WAY = 64;
/** A session that had to go is forgotten after this long: by then all nodes know that its visit is over. Milliseconds. */
const GONE_MS = 60_000;
/** Each time this many more sessions have gone, those that went long ago are forgotten. */
const FEW = 256;

/**
 * Lua: the holders of slots, and the sessions that are to go. A holder is a session and an incarnation; one without a lease holds
 * nothing. For each session that is to go, `KEYS[4]` has the opening time of its visit, when it was chosen, and the newcomer that
 * takes its place. It ends when that one opens. If nothing comes of that, the newcomer gives its slot back, and the session
 * counts again: choosing takes one step, and undoing the choice none. A session that is to go for one that is itself to go, goes
 * for the next one instead.
 */
const HOLDERS_LUA = `
local me = ARGV[2]
local order, since, holders = {}, {}, {}
local hasGoing = redis.call('HLEN', KEYS[4])
local known = {}
local function going(session)
  if hasGoing == 0 then return nil end
  if known[session] == nil then known[session] = redis.call('HGET', KEYS[4], session) end
  if known[session] then return string.match(known[session], '^(%S+) (%S+) (.*)$') end
end
local function readHolders(gone)
  local lives = {}
  local held = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #held, 2 do
    local session, incarnation = string.match(held[i], '^(.*)|([^|]*)$')
    if lives[incarnation] == nil then
      local ends = redis.call('ZSCORE', KEYS[1], incarnation)
      lives[incarnation] = ends and tonumber(ends) > now or false
    end
    if gone[session] or not lives[incarnation] then
      redis.call('ZREM', KEYS[3], held[i])
    else
      if not since[session] then
        order[#order + 1] = session
        since[session] = held[i + 1]
      end
      holders[#holders + 1] = session
      holders[#holders + 1] = incarnation
    end
  end
end
-- of the newcomers that it is to go for, this one; any, if none is named
local function goesFor(session, meant)
  local _, _, newcomer = going(session)
  for _ = 1, ${FEW} do
    if not newcomer then return false end
    if since[newcomer] and (not meant or newcomer == meant) then return true end
    _, _, newcomer = going(newcomer)
  end
  return false
end
local function counting()
  local all = {}
  for _, session in ipairs(order) do if not goesFor(session) then all[#all + 1] = session end end
  return all
end`;

/**
 * Takes a slot; a session that already has one keeps it. A bucket younger than one lease does not know the holders yet, and gives
 * out none.
 *
 * KEYS: leases, epoch, slots, who is to go. ARGV: incarnation, session, most, lease ms, what becomes of one more (see
 * `SlotLimit`), opening time of its visit (or ''), sessions that have gone.
 * Returns 1 and the sessions that go for it, session and opening time alternating; 0 and the holders, session and incarnation
 * alternating; 2 if it is itself one that had to go; or -1.
 */
export const TAKE = leasedTogether('take-slot', {
  shared: '',
  call: `${HOLDERS_LUA}
local gone = {}
for i = 7, #ARGV do gone[ARGV[i]] = true end
readHolders(gone)
if not since[me] then
  local born = tonumber(string.match(redis.call('GET', KEYS[2]) or '', '%s(%d+)$') or now)
  if now - born < tonumber(ARGV[4]) then return {-1} end
  local opened = going(me)
  if opened and ARGV[6] ~= '' and tonumber(ARGV[6]) <= tonumber(opened) and goesFor(me) then return {2} end
  local playing, most = counting(), tonumber(ARGV[3])
  local excess = #playing + 1 - most
  if excess > 0 then
    if ARGV[5] == 'reject' or most < 1 or #order - #playing >= ${MAX_UNDER_WAY} then return {0, holders} end
    local from = ARGV[5] == 'replace-oldest' and 0 or #playing - excess
    for i = from + 1, from + excess do
      known[playing[i]] = since[playing[i]] .. ' ' .. string.format('%.0f', now) .. ' ' .. me
      redis.call('HSET', KEYS[4], playing[i], known[playing[i]])
    end
    redis.call('PEXPIRE', KEYS[4], ${KEEP_MS})
    -- not each time: the cost grows with the number of sessions that have gone
    if math.floor((hasGoing + excess) / ${FEW}) > math.floor(hasGoing / ${FEW}) then
      local all = redis.call('HGETALL', KEYS[4])
      for i = 1, #all, 2 do
        local chosen = string.match(all[i + 1], '^%S+ (%S+)')
        if not since[all[i]] and now - tonumber(chosen) > ${GONE_MS} then redis.call('HDEL', KEYS[4], all[i]) end
      end
    end
    hasGoing = hasGoing + 1
  end
  -- it may have had to go before, as another visit
  if opened then
    redis.call('HDEL', KEYS[4], me)
    known[me] = false
  end
end
redis.call('ZADD', KEYS[3], 'NX', ARGV[6] ~= '' and ARGV[6] or now, me .. '|' .. ARGV[1])
redis.call('PEXPIRE', KEYS[3], ${KEEP_MS})
since[me] = since[me] or now
local replaced = {}
for _, session in ipairs(order) do
  if session ~= me and goesFor(session, me) then
    replaced[#replaced + 1] = session
    replaced[#replaced + 1] = since[session]
  end
end
return {1, replaced}`,
});

/** What a node learns when it claims a slot. */
export const CLAIMED = { fits: 'fits', excess: 'excess', others: 'others' } as const;

/**
 * Claims a slot that the node already has. Of those that count, there may be more than there are slots: if they were taken while nobody
 * could count. Then those are in excess who would not be there if they had come one after the other.
 *
 * KEYS: as above. ARGV: incarnation, session, opening time of its visit, most, what becomes of one more. Answers `CLAIMED`: it is one of
 * these, and who has taken its place, if that is what becomes of one more; or others are. One that is to go anyway fits.
 */
export const CLAIM = leased(
  'claim-slot',
  `redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2] .. '|' .. ARGV[1])
redis.call('PEXPIRE', KEYS[3], ${KEEP_MS})
${HOLDERS_LUA}
readHolders({})
local all, most, how = counting(), tonumber(ARGV[4]), ARGV[5]
local excess = #all - most
if excess <= 0 then return {'${CLAIMED.fits}'} end
if most < 1 then how = 'reject' end
local from = how == 'replace-oldest' and 0 or how == 'replace-newest' and most - 1 or most
for rank, session in ipairs(all) do
  if session == me then
    if rank <= from or rank > from + excess then return {'${CLAIMED.others}'} end
    if how == 'replace-newest' then return {'${CLAIMED.excess}', all[#all]} end
    if how == 'reject' then return {'${CLAIMED.excess}'} end
    -- whoever took the place of the one that took its place stays
    while rank <= excess do rank = rank + most end
    return {'${CLAIMED.excess}', all[rank]}
  end
end
return {'${CLAIMED.fits}'}`,
);

/** Gives slots back. KEYS: leases, slots. ARGV: incarnation, a session for each. */
export const GIVE = leased(
  'give-slots',
  `
for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[i] .. '|' .. ARGV[1]) end
return #KEYS - 1`,
);
