import { leased } from '../membership/leased.js';

/** Slots that nobody has claimed for so long are nobody's. Holders claim them again in time. */
export const KEEP_MS = 86_400_000;

/**
 * Takes a slot, or claims one that it has. Who holds it without a lease holds nothing. A bucket younger than one lease does not
 * know yet who has slots: it gives out none.
 *
 * KEYS: leases, epoch, slots. ARGV: incarnation, session, most, lease ms, since (claims only, else ''), sessions that have gone.
 * Answers 1 and its rank; 0 and the holders, as session and incarnation by turns; or -1.
 */
export const TAKE = leased(
  'take-slot',
  `
local gone = {}
for i = 6, #ARGV do gone[ARGV[i]] = true end
local held = redis.call('ZRANGE', KEYS[3], 0, -1)
local seen, sessions, holders = {}, 0, {}
for _, holder in ipairs(held) do
  local session, incarnation = string.match(holder, '^(.*)|([^|]*)$')
  local ends = redis.call('ZSCORE', KEYS[1], incarnation)
  if gone[session] or not ends or tonumber(ends) <= now then
    redis.call('ZREM', KEYS[3], holder)
  else
    if not seen[session] then
      sessions = sessions + 1
      seen[session] = sessions
    end
    holders[#holders + 1] = session
    holders[#holders + 1] = incarnation
  end
end
local isClaim = ARGV[5] ~= ''
if not seen[ARGV[2]] and not isClaim then
  local born = tonumber(string.match(redis.call('GET', KEYS[2]) or '', '%s(%d+)$') or now)
  if now - born < tonumber(ARGV[4]) then return {-1} end
  if sessions >= tonumber(ARGV[3]) then return {0, holders} end
end
if isClaim then
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[2] .. '|' .. ARGV[1])
else
  redis.call('ZADD', KEYS[3], 'NX', now, ARGV[2] .. '|' .. ARGV[1])
end
redis.call('PEXPIRE', KEYS[3], ${KEEP_MS})
if not isClaim then return {1, seen[ARGV[2]] or sessions + 1} end
local rank, known = 0, {}
for _, holder in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  local session = string.match(holder, '^(.*)|[^|]*$')
  if not known[session] then
    rank = rank + 1
    known[session] = true
  end
  if session == ARGV[2] then return {1, rank} end
end
return {1, rank}`,
);

/** Gives slots back. KEYS: leases, slots. ARGV: incarnation, a session for each. */
export const GIVE = leased(
  'give-slots',
  `
for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[i] .. '|' .. ARGV[1]) end
return #KEYS - 1`,
);
