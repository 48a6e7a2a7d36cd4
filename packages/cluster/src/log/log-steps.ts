import { KEPT, type Step } from '../link/link.js';
import { leased, NOW_LUA } from '../membership/leased.js';

/** The channel that all nodes follow. */
export const LOG = 'log';
/** The number and tag of the latest entry, and the epoch of its bucket. */
export const HEAD = `${KEPT}head`;
export const EPOCH = 'epoch';

/** The table of what is in force is spread over this many keys: read one at a time, none blocks Redis for more than 5 ms. */
export const SHARDS = 64;
export const tableOf = (shard: number): string => `${KEPT}table-${shard}`;
export const endsOf = (shard: number): string => `${KEPT}ends-${shard}`;

/** By the last characters of an id, which is a UUID. */
export const shardOf = (id: string): number => parseInt(id.slice(-2), 16) % SHARDS || 0;

/** How many texts a node may be behind before it has to read the table. */
const LENGTH = 2_000;
/** How long the log itself is kept after its last entry. Milliseconds. */
const KEEP_MS = 86_400_000;

/**
 * Appends an entry: its number, its tag, that of the previous entry, the epoch, and its body. One that stays in force is also put
 * into the table. A lifted entry stays lifted for as long as it would have been in force; an entry that keeps out a replaced
 * viewer (`R`) has no end of its own, and is known to be lifted for as long as the lift says. Returns the number of the entry, or
 * 0 if it says nothing new.
 *
 * KEYS: leases, epoch, log, head [, table, ends]. ARGV: incarnation, tag, body [, id, until, most entries].
 */
export const APPEND: Step = leased(
  'append',
  `
local function extend(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
local head = redis.call('HMGET', KEYS[4], 'n', 'tag')
if head[2] == ARGV[2] then return tonumber(head[1]) end
local ends = tonumber(ARGV[5] or 0)
if KEYS[5] then
  local known = redis.call('HGET', KEYS[5], ARGV[4])
  if known then
    local before = string.match(known, '^%d+ (.)')
    if before == 'L' or string.sub(ARGV[3], 1, 1) ~= 'L' then return 0 end
    if before ~= 'R' then ends = tonumber(redis.call('ZSCORE', KEYS[6], ARGV[4])) or ends end
  end
  if ends <= now then return 0 end
end
local n = redis.call('HINCRBY', KEYS[4], 'n', 1)
redis.call('HSET', KEYS[4], 'tag', ARGV[2])
extend(KEYS[4], ${KEEP_MS})
local epoch = string.match(redis.call('GET', KEYS[2]) or '-', '^%S+')
local text = n .. ' ' .. ARGV[2] .. ' ' .. (head[2] or '-') .. ' ' .. epoch .. ' ' .. ARGV[3]
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${LENGTH}, '*', 'd', text)
redis.call('PEXPIRE', KEYS[3], ${KEEP_MS})
if KEYS[5] then
  local ended = redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, 20)
  if redis.call('HLEN', KEYS[5]) >= tonumber(ARGV[6]) then ended[#ended + 1] = redis.call('ZRANGE', KEYS[6], 0, 0)[1] end
  if #ended > 0 then
    redis.call('HDEL', KEYS[5], unpack(ended))
    redis.call('ZREM', KEYS[6], unpack(ended))
  end
  redis.call('HSET', KEYS[5], ARGV[4], n .. ' ' .. ARGV[3])
  redis.call('ZADD', KEYS[6], string.format('%.0f', ends), ARGV[4])
  for _, key in ipairs({KEYS[2], KEYS[4], KEYS[5], KEYS[6]}) do extend(key, ends - now) end
end
return n`,
);

/** Number, tag and epoch. KEYS: head, epoch. */
export const READ_HEAD: Step = {
  name: 'read-head',
  lua: `
local head = redis.call('HMGET', KEYS[1], 'n', 'tag')
local epoch = string.match(redis.call('GET', KEYS[2]) or '-', '^%S+')
return {tonumber(head[1] or 0), head[2] or '-', epoch}`,
};

/** The entries in force in one shard, each as number and body. KEYS: table, ends. */
export const READ_TABLE: Step = {
  name: 'read-table',
  lua: `${NOW_LUA}
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 500)
if #ended > 0 then
  redis.call('HDEL', KEYS[1], unpack(ended))
  redis.call('ZREM', KEYS[2], unpack(ended))
end
return redis.call('HVALS', KEYS[1])`,
};
