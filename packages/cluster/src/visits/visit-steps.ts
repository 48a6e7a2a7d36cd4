import { HOLDER_LENGTH } from '../membership/lease-steps.js';
import { leased, leasedTogether } from '../membership/leased.js';
import { SHARDS } from './fields.js';
import { NEW_OPERATIONS_LUA, OPERATIONS_LUA } from './operations-lua.js';
import { NEW_OUTBOX_LUA, OUTBOX_LUA, outboxKey } from './outbox-steps.js';
import { CHANGED_KEYS, KEEP_MS, NEW_RECORDS_LUA, RECORDS_LUA, TENTATIVE_MS } from './visit-lua.js';

export const visitsKey = (shard: number): string => `visits-${shard}`;
export const VISITS_KEYS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => visitsKey(shard));
export const COUNTS = 'counts';
/**
 * By group: how far the log was when a visit has ended for everybody, and which have lately. What ends within `TENTATIVE_MS` is in one
 * of them, by turns; each expires before it is its turn again.
 */
const ENDED_KEYS: readonly string[] = ['ended-0', 'ended-1', 'ended-2'];

/** The keys of a step about one hash of visits, besides the leases. */
export const keysOfStep = (incarnation: string, shard: number): string[] => [
  ...[COUNTS, outboxKey(incarnation), visitsKey(shard)],
  ...ENDED_KEYS,
  ...CHANGED_KEYS,
];

/** Fields that begin like this are not visits: they hold the number of the latest step of a node. */
export const LATEST = '#';
/** The answer where Redis has lost what it had acknowledged. */
export const BEHIND = 'BEHIND';

/** How many arguments an operation has, by its letter. */
export const WIDTHS = { F: 5, G: 5, C: 10, L: 8, X: 9 } as const;
/** Operations, by their letter. */
export type What = keyof typeof WIDTHS;

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
 * KEYS: leases, counts, outbox, visits, the three of what has ended, those of changed counts. ARGV: incarnation, number of the step, those that have been told,
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
export const VISITS = leasedTogether('visits', {
  shared: `${RECORDS_LUA}${OUTBOX_LUA}${OPERATIONS_LUA}
local widths = {${Object.entries(WIDTHS)
    .map(([what, width]) => `${what} = ${width}`)
    .join()}}`,
  call: `${NEW_RECORDS_LUA}${NEW_OUTBOX_LUA}${NEW_OPERATIONS_LUA}
local uses, places, begins, n = {}, {}, {}, 0
local b, last = 4, #ARGV
while b < last do
  local what = ARGV[b + 1]
  n = n + 1
  uses[what], places[n], begins[n] = true, ARGV[b + 2], b
  b = b + widths[what]
end
if n > 0 then
  local latest = '${LATEST}' .. me
  places[n + 1] = latest
  local found = redis.call('HMGET', KEYS[4], unpack(places))
  places[n + 1] = nil
  local known, step = tonumber(found[n + 1] or 0), tonumber(ARGV[2])
  if ARGV[4] ~= '-' and known < tonumber(ARGV[4]) then return '${BEHIND}' end
  if step > known then changed[latest] = ARGV[2]
  else
    -- it has run before, or was given up and comes after a later one
    before = redis.call('HGET', KEYS[3], ARGV[2]) or ''
  end
  for i = 1, n do records[places[i]] = found[i] end
end
if ARGV[3] ~= '-' then redis.call('HDEL', KEYS[3], unpack(cut(ARGV[3], ','))) end
local window = math.floor(now / ${TENTATIVE_MS})
local endsNow, endsBefore = KEYS[5 + window % 3], KEYS[5 + (window + 2) % 3]
if (uses.F or uses.C or uses.X) and redis.call('EXISTS', endsNow, endsBefore) > 0 then
  for _, key in ipairs({endsBefore, endsNow}) do
    for i, known in ipairs(redis.call('HMGET', key, unpack(places))) do ended[places[i]] = known or ended[places[i]] end
  end
end
make(uses)
local answers = {}
for i = 1, n do
  local from, place = begins[i], places[i]
  answers[i] = act[ARGV[from + 1]](from, place, parse(records[place]))
end
writeAll(KEYS[4], changed)
writeAll(endsNow, endedNow, '${2 * TENTATIVE_MS}')
settle(KEYS[2], 8)
post(KEYS[3], ARGV[2], before)
return {answers, before}`,
});

/**
 * Whether the latest steps of an incarnation are still there: of this one, or of the one that this process was before, whose steps have
 * gone where others have swept up after it. What is there is kept on: a step of visits gives an expiry only to a key that is new, for it would
 * cost as much as what it does. KEYS: leases, counts, the hashes of visits. ARGV: incarnation, how records name whose steps are meant, for each
 * hash the number of the latest step that was answered, or `-`. Answers `BEHIND` if one is not there.
 */
export const LOOK = leased(
  'look',
  `
local isOwn = ARGV[2] == string.sub(ARGV[1], 1, ${HOLDER_LENGTH})
for i = 3, #KEYS do
  local step, known = ARGV[i], redis.call('HGET', KEYS[i], '${LATEST}' .. ARGV[2])
  if step ~= '-' and (known or isOwn) and tonumber(known or 0) < tonumber(step) then return '${BEHIND}' end
end
for i = 2, #KEYS do redis.call('PEXPIRE', KEYS[i], ${KEEP_MS}) end
return 'OK'`,
);
