import { leased } from '../membership/leased.js';
import { KEEP_MS } from './visit-lua.js';

/** What has happened by the steps of an incarnation, and was not told to all who listen yet. */
export const outboxKey = (incarnation: string): string => `outbox-${incarnation}`;

/** How events are encoded. */
export const HOW = { opened: 'o', closed: 'c' } as const;

/**
 * Lua: a step itself writes what it causes into the outbox of its incarnation, under its number. If it runs again, because its answer
 * was lost, it is there already: `before`. `post` returns what is there in the end.
 */
export const OUTBOX_LUA = `
local happened, happenings = {}, 0
local function happens(how, visit, why)
  local told = how .. ' ' .. visit[1] .. ' ' .. visit[2] .. ' ' .. visit[3] .. ' ' .. why
  happenings = happenings + 1
  happened[happenings] = visit[7] and told .. ' ' .. figures(visit) or told
end
local function post(key, step, before)
  if happenings == 0 then return before end
  local text = table.concat(happened, '\\n')
  if before ~= '' then text = before .. '\\n' .. text end
  redis.call('HSET', key, step, text)
  redis.call('PEXPIRE', key, '${KEEP_MS}')
  return text
end`;

/** Lua: for the next call of several. */
export const NEW_OUTBOX_LUA = `
happened, happenings = {}, 0`;

/** Lua: a beginning by another step can be taken back until it has been reported. */
export const UNSAY_LUA = `
local function openedLine(id, opened) return '${HOW.opened} ' .. id .. ' ' .. opened .. ' ' end
local function isSaid(key, step, id, opened)
  local text = redis.call('HGET', key, step)
  return text and find('\\n' .. text, '\\n' .. openedLine(id, opened), 1, true) ~= nil
end
-- whether it stood there
local function unsay(key, step, id, opened)
  if step == '-' or not isSaid(key, step, id, opened) then return false end
  local lines = cut(redis.call('HGET', key, step), '\\n')
  for i = #lines, 1, -1 do if find(lines[i], openedLine(id, opened), 1, true) == 1 then table.remove(lines, i) end end
  if #lines == 0 then redis.call('HDEL', key, step) else redis.call('HSET', key, step, table.concat(lines, '\\n')) end
  return true
end`;

/** The number of reported steps acknowledged by the next one. */
export const MAX_ACKNOWLEDGED = 1_000;

/** The entries of the outbox under these numbers. KEYS: leases, outbox. ARGV: incarnation, numbers. */
export const READ_OUTBOX = leased(
  'read-outbox',
  `
local texts = {}
for i = 2, #ARGV do texts[i - 1] = redis.call('HGET', KEYS[2], ARGV[i]) or '' end
return texts`,
);

/**
 * Some of what a dead incarnation has not reported is taken over by this one. Returns it, where to continue (a shrinking hash
 * keeps its empty slots: starting over, a page would see nothing else), and whether there may be more. KEYS: leases, outbox, that
 * of the dead one. ARGV: incarnation, number of the step, where.
 */
export const TAKE_OVER = leased(
  'take-over',
  `
local text = redis.call('HGET', KEYS[2], ARGV[2]) or ''
local scanned = redis.call('HSCAN', KEYS[3], ARGV[3], 'COUNT', 20)
local page = scanned[2]
for i = 1, #page, 2 do
  text = text == '' and page[i + 1] or text .. '\\n' .. page[i + 1]
  redis.call('HDEL', KEYS[3], page[i])
end
if #page > 0 then
  redis.call('HSET', KEYS[2], ARGV[2], text)
  redis.call('PEXPIRE', KEYS[2], ${KEEP_MS})
end
return {text, scanned[1], redis.call('EXISTS', KEYS[3])}`,
);
