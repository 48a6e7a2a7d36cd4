import type { Step } from '../link/link.js';
import { LEASE_LUA, leased, NOW_LUA } from './leased.js';

/** How a node is written in records: the beginning of its incarnation. No two in the leases begin alike. */
export const HOLDER_LENGTH = 2;
/** What a step answers to one that begins like another. */
export const TAKEN = 'TAKEN';

/** How long a bucket that nobody uses any more remembers whose it was. */
const KEEP_MS = 86_400_000;

/**
 * Takes a lease, or renews it. An epoch is the life of a bucket: one that came back empty has another. Of the dead, some at a
 * time. Nobody joins who begins like another one that lives, or has not been swept up after. In the bucket of the log the nodes are also listed, and one whose configuration differs from that of the living
 * is not let in.
 *
 * KEYS: leases, epoch [, nodes, config]. ARGV: incarnation, lease ms, a new epoch, 'join' or 'renew' [, about it, config].
 */
export const LEASE: Step = {
  name: 'lease',
  lua: `${NOW_LUA}
local living = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
if ARGV[4] == 'renew' then ${LEASE_LUA}
else
  for _, known in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if known ~= ARGV[1] and string.sub(known, 1, ${HOLDER_LENGTH}) == string.sub(ARGV[1], 1, ${HOLDER_LENGTH}) then return '${TAKEN}' end
  end
  local theirs = #KEYS > 2 and #living > 0 and redis.call('GET', KEYS[4])
  if theirs and theirs ~= ARGV[6] then return {'CONFIG', theirs} end
end
redis.call('SET', KEYS[2], ARGV[3] .. ' ' .. now, 'NX')
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${KEEP_MS})
redis.call('PEXPIRE', KEYS[2], ${KEEP_MS})
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 8)
local nodes = {}
if #KEYS > 2 then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[5])
  redis.call('PEXPIRE', KEYS[3], ${KEEP_MS})
  redis.call('SET', KEYS[4], ARGV[6], 'PX', ${KEEP_MS})
  living = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
  for i = 1, #living, 2 do
    nodes[#nodes + 1] = {living[i], living[i + 1], redis.call('HGET', KEYS[3], living[i]) or '{}'}
  end
end
return {now, redis.call('GET', KEYS[2]), dead, nodes}`,
};

/** Begins a new epoch, unless somebody has done so. KEYS: leases, epoch. ARGV: incarnation, the id of the old epoch, that of the new one. */
export const NEW_EPOCH: Step = leased(
  'new-epoch',
  `
if string.match(redis.call('GET', KEYS[2]) or '', '^%S+') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3] .. ' ' .. now, 'PX', ${KEEP_MS})
return 1`,
);

/** Gives up a lease. KEYS: leases [, nodes]. ARGV: incarnation. */
export const LEAVE: Step = {
  name: 'leave',
  lua: `
redis.call('ZREM', KEYS[1], ARGV[1])
if KEYS[2] then redis.call('HDEL', KEYS[2], ARGV[1]) end
return 'OK'`,
};

/** Forgets a dead node, unless it was renewed meanwhile. KEYS: leases [, nodes]. ARGV: incarnation, the dead one. */
export const FORGET: Step = leased(
  'forget',
  `
local ended = redis.call('ZSCORE', KEYS[1], ARGV[2])
if ended and tonumber(ended) > now then return 0 end
redis.call('ZREM', KEYS[1], ARGV[2])
if KEYS[2] then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1`,
);
