import type { Gathered, Step } from '../link/link.js';

/** Lua: `now`, epoch milliseconds by the clock of Redis. */
export const NOW_LUA = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Lua: returns `LOST` unless the incarnation `ARGV[1]` holds a lease in `KEYS[1]`. */
export const LEASE_LUA = `
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) <= now then return 'LOST' end`;

/** The result of a step that needs a lease, and has none: nothing was written. */
export const LOST = 'LOST';

/** The key of the leases in every bucket. */
export const LEASES = 'leases';

/**
 * A step for incarnations that hold a lease: see `Membership.run`. Its keys begin at `KEYS[2]` and its arguments at `ARGV[2]`;
 * `now` is the time of Redis in epoch milliseconds.
 */
export const leased = (name: string, lua: string): Step => ({ name, lua: `${NOW_LUA}${LEASE_LUA}\n${lua}` });

/** The same for a step whose calls are gathered: all of one command happen at the same time. */
export function leasedTogether(name: string, gathered: Gathered): Step {
  const shared = `${NOW_LUA}\n${gathered.shared}`;
  const call = `${LEASE_LUA}\n${gathered.call}`;
  return { name, lua: `local KEYS, ARGV = KEYS, ARGV${shared}${call}`, gathered: { shared, call } };
}
