/**
 * Replaces a text if it is the expected one, or any text if none is expected, and returns 1. Returns 0 if another text is stored,
 * -1 if none is. The texts are compared but never parsed: Lua would turn `[]` into `{}`, and round large integers.
 */
export const COMPARE_AND_SET = `
local stored = redis.call('GET', KEYS[1])
if not stored then return -1 end
if ARGV[1] ~= '' and stored ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;
