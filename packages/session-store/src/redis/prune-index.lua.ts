/**
 * Removes these ids from the index, unless their end has been moved on meanwhile because a session with that id is being created.
 */
export const PRUNE_INDEX = `
local removed = 0
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if ends and tonumber(ends) <= tonumber(ARGV[1]) then removed = removed + redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return removed`;
