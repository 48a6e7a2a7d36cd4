/** Takes these ids out of the index, unless their end was moved on meanwhile: somebody is creating a session of that id. */
export const PRUNE_INDEX = `
local removed = 0
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if ends and tonumber(ends) <= tonumber(ARGV[1]) then removed = removed + redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return removed`;
