/**
 * Writes a text over the one that was expected, or over any if that is empty: 1. Over another: 0. Where there is none: -1. The
 * texts are compared and never read: Lua would turn `[]` into `{}`, and round large integers.
 */
export const COMPARE_AND_SET = `
local stored = redis.call('GET', KEYS[1])
if not stored then return -1 end
if ARGV[1] ~= '' and stored ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;
