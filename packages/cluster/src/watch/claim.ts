import { randomUUID } from 'node:crypto';
import { LOG_BUCKET } from '../link/link.js';
import { leased } from '../membership/leased.js';
import type { Membership } from '../membership/membership.js';

/** Nodes may notice the same thing up to this long after each other. Milliseconds. */
const KEEP_MS = 30_000;

/**
 * Something has entered a state. Returns 1 to the first that says so. KEYS: leases, what it is about. ARGV: incarnation, state,
 * time of observation, a name of this claim: if it runs twice, it returns the same.
 */
const CLAIM = leased(
  'claim',
  `
local state, at, by = string.match(redis.call('GET', KEYS[2]) or '', '^(%S+) (%S+) (%S+)$')
if by == ARGV[4] then return 1 end
if at and tonumber(at) > tonumber(ARGV[3]) then return 0 end
if state ~= ARGV[2] then by = ARGV[4] end
redis.call('SET', KEYS[2], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. by, 'PX', ${KEEP_MS})
return by == ARGV[4] and 1 or 0`,
);

/** @param about A hash of what it is about. */
export async function claim(membership: Membership, about: string, state: string, at: number): Promise<boolean> {
  const args = [encodeURIComponent(state), at.toFixed(0), randomUUID()];
  return Number(await membership.run(CLAIM, LOG_BUCKET, [`claim-${about}`], args)) === 1;
}
