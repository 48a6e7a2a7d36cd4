import { closeClients, connect, type OpenClient } from '../../../test/support/redis-clients.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';
import { Scripts } from '../src/worker/scripts.js';
import { Store } from '../src/worker/store.js';

let redis: RedisServer;
let client: OpenClient;
beforeAll(async () => {
  redis = await startRedis();
  client = await connect('ioredis', redis.port, 2);
});
afterAll(async () => {
  closeClients();
  await redis.stop();
});
beforeEach(() => client.ask('FLUSHALL'));

/** What Redis answers, and what the own reading of Lua does. */
async function both(lua: string, keys: string[] = [], args: string[] = []): Promise<[unknown, unknown]> {
  const store = new Store();
  store.now = Date.now();
  const own = new Scripts(store);
  let ours: unknown;
  try {
    ours = own.run(lua, keys, args);
  } catch {
    ours = 'an error';
  }
  return [await client.ask('EVAL', lua, String(keys.length), ...keys, ...args).catch(() => 'an error'), ours];
}

const same: readonly (readonly [lua: string, ...rest: string[]])[] = [
  [`return {1, 'a', 2.9, -2.9, true, false, 7}`],
  [`return {1, nil, 3}`],
  [`return 1764171234567 .. ' ' .. 0.1 .. ' ' .. 1e15 .. ' ' .. -1/3 .. ' ' .. 2^53 .. ' ' .. 1e100`],
  [`return tostring(nil) .. tostring(true) .. tostring(12) .. tostring('x')`],
  [`local t = {5, 6, 7, x = 1} t[4] = 8 t[2] = 9 return {#t, t[2], t.x, unpack(t)}`],
  [`local a, b, c = 1, 2 return {a, b, c == nil and 1 or 0, a + b * 3 - 4 / 2, 7 % 3, -7 % 3, 2 ^ 3 ^ 2}`],
  [`return {1 < 2, 'a' < 'b', not nil, not 0, 1 == '1', 'a' .. 1 == 'a1'} `],
  [`local s = 0 for i = 10, 1, -3 do s = s + i if s > 15 then break end end return s`],
  [`local s = 0 local i = 0 while i < 5 do i = i + 1 if i % 2 == 0 then s = s + i else s = s - 1 end end return s`],
  [`local s = '' for i, v in ipairs({'a', 'b', 'c'}) do s = s .. i .. v end return s`],
  [`local n = 0 for k, v in pairs({a = 1, b = 2, 3}) do n = n + v end return n`],
  [`local function f(a, ...) local x, y = ... return a, x, y end return {f(1, 2, 3)}`],
  [`local n = 1 local function up() n = n + 1 return n end up() return up()`],
  [`local function f() return 1, 2 end local t = {f(), f()} return #t`],
  [`local function f() return 1, 2 end return {(f()), f()}`],
  [`if false then return 1 elseif nil then return 2 else return 3 end`],
  [
    `return {string.match('12 D{x}', '^%d+ (.)'), string.match('a b', '^(%S+) (%S+)$'), string.match('x', 'y') == nil and 1 or 0}`,
  ],
  [`return {string.match('epoch 17', '^%S+'), string.match('k=v;', '(%w+)=(%w+)'), string.match('a-b', 'a%-(.*)')}`],
  [`return {string.sub('hello', 2), string.sub('hello', -3, -2), string.sub('hello', 0, 2), string.sub('x', 5)}`],
  [`return {string.format('%.0f|%d|%05d|%s|%%', 8640000000000000, 3, 42, 'x'), #'äö', string.rep('ab', 3)}`],
  [
    `return {tonumber('12'), tonumber(' 12.9 '), tonumber('x') == nil and 1 or 0, tonumber('0x10'), tonumber('') == nil and 1 or 0, tonumber('-3')}`,
  ],
  [`return {tonumber('mwyhxmwx', 36), tonumber('0', 36), tonumber('ff', 16), tonumber('8', 8) == nil and 1 or 0}`],
  [`return {math.floor(-1.5), math.ceil(1.2), math.min(3, 1, 2), math.max(3, 1, 2)}`],
  [`local t = {3, 1, 2} table.sort(t) table.insert(t, 9) return {table.concat(t, ','), table.remove(t), #t}`],
  [
    `local t = {1, 2, 3, 4} return {table.remove(t, 2), table.concat(t, ','), #t, table.remove(t, 9) == nil and 1 or 0}`,
  ],
  [`local s = '' for word in string.gmatch('a bc  d', '%S+') do s = s .. '<' .. word .. '>' end return s`],
  [`local a = {} local b = {a, {}} return {b[1] == a and 1 or 0, b[2] == a and 1 or 0, redis.sha1hex('ab')}`],
  [`redis.call('HSET', 'h', 'a', 1, 'b', 2) return redis.call('HSCAN', 'h', '0', 'COUNT', 100)`],
  [`local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t)`],
  [`return '5' + 3`],
  [`return nil .. 'x'`],
  [`return unknown_name`],
  [`return 1 +`],
  [`return {ARGV[1], #ARGV[1], string.sub(ARGV[1], 1, 2), ARGV[2] == nil and 1 or 0}`, 'äß€😀\0x'],
  [`-- a comment\nreturn 1 -- and another`],
  [`return redis.error_reply('ERR no')`],
  [`return redis.status_reply('FINE')`],
];

it.each(same)('%s: gives the same result as in Redis', async (lua, ...args) => {
  const [theirs, ours] = await both(lua, [], args);
  expect(ours).toEqual(theirs);
});

const calls: readonly (readonly [commands: string])[] = [
  [
    `'SET' 'a' '1'|'GET' 'a'|'SET' 'a' '2' 'NX'|'SET' 'a' '2' 'XX'|'MGET' 'a' 'b'|'INCR' 'a'|'INCRBY' 'a' '-5'|'GET' 'b'|'PTTL' 'a'|'PTTL' 'b'`,
  ],
  [`'SET' 'a' 'x'|'INCR' 'a'`],
  [`'SET' 'a' 'x'|'HGET' 'a' 'b'`],
  [`'SET' 'a' '1' 'PX' '60000'|'PEXPIRE' 'b' '5'|'DEL' 'a' 'b'|'EXISTS' 'a'`],
  [
    `'HSET' 'h' 'a' '1' 'b' '2'|'HSET' 'h' 'a' '3' 'c' '4'|'HGET' 'h' 'a'|'HMGET' 'h' 'a' 'x' 'c'|'HLEN' 'h'|'HVALS' 'h'|'HGETALL' 'h'`,
  ],
  [
    `'HSETNX' 'h' 'a' '1'|'HSETNX' 'h' 'a' '2'|'HINCRBY' 'h' 'a' '4'|'HINCRBY' 'h' 'n' '4'|'HDEL' 'h' 'a' 'x'|'HEXISTS' 'h' 'n'|'HDEL' 'h' 'n'|'EXISTS' 'h'`,
  ],
  [
    `'ZADD' 'z' '1' 'a' '2' 'b' '1.5' 'c'|'ZADD' 'z' '3' 'a'|'ZADD' 'z' 'GT' 'CH' '1' 'a' '9' 'b'|'ZSCORE' 'z' 'c'|'ZSCORE' 'z' 'x'|'ZCARD' 'z'`,
  ],
  [
    `'ZADD' 'z' '1' 'b' '1' 'a' '2' 'c' '3' 'd'|'ZRANGEBYSCORE' 'z' '-inf' '(3' 'WITHSCORES'|'ZRANGEBYSCORE' 'z' '(1' '+inf' 'LIMIT' '0' '1'|'ZCOUNT' 'z' '1' '2'|'ZRANGE' 'z' '0' '0'|'ZRANGE' 'z' '-2' '-1'|'ZRANGE' 'z' '0' '-1' 'WITHSCORES'`,
  ],
  [
    `'ZADD' 'z' '1' 'a' '2' 'b'|'ZINCRBY' 'z' '5' 'a'|'ZREM' 'z' 'b' 'x'|'ZREMRANGEBYSCORE' 'z' '-inf' '10'|'EXISTS' 'z'`,
  ],
  [`'ZADD' 'z' '1764171234567' 'a' '8640000000000000' 'b'|'ZSCORE' 'z' 'a'|'ZSCORE' 'z' 'b'`],
  [
    `'XADD' 's' '*' 'd' 'x'|'XADD' 's' 'MAXLEN' '2' '*' 'd' 'y'|'XADD' 's' 'MAXLEN' '2' '*' 'd' 'z'|'XLEN' 's'|'XTRIM' 's' 'MAXLEN' '1'|'XLEN' 's'`,
  ],
  [`'NOSUCH' 'a'`],
];

it.each(calls)('%s: answers like Redis', async (commands) => {
  const called = commands.split('|').map((each) => `redis.call(${each.replaceAll(`' '`, `', '`)})`);
  // ids of streams are times
  const lua = called.map((call) =>
    call.includes("'XADD'") ? `and_so_on[#and_so_on + 1] = type(${call})` : `and_so_on[#and_so_on + 1] = ${call}`,
  );
  const [theirs, ours] = await both(`local and_so_on = {} ${lua.join('\n')} return and_so_on`, ['a']);
  expect(ours).toEqual(theirs);
});
