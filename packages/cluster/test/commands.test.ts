import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What Redis 6.2 has, as far as the package needs it. A newer one must not slip in, nor one that walks all keys. */
// prettier-ignore
const KNOWN = new Set(['DEL', 'EVAL', 'EVALSHA', 'EXISTS', 'GET', 'HDEL', 'HEXISTS', 'HGET', 'HGETALL', 'HINCRBY', 'HLEN', 'HMGET', 'HSCAN', 'HSET', 'HSETNX', 'HVALS',
  'INCR', 'INCRBY', 'MGET', 'PEXPIRE', 'PEXPIREAT', 'PTTL', 'SET', 'TIME', 'XADD', 'XDEL', 'XLEN', 'XRANGE', 'XREAD', 'XREVRANGE', 'XTRIM',
  'ZADD', 'ZCARD', 'ZCOUNT', 'ZINCRBY', 'ZRANGE', 'ZRANGEBYSCORE', 'ZREM', 'ZREMRANGEBYSCORE', 'ZSCORE']);

const folder = join(__dirname, '../src');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const);

/** Commands that scripts call, and those that are sent by themselves. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/redis\.p?call\(\s*'([^']+)'|\[\s*'([A-Z]{2,})',/g)].map(
    ([, inScript, sent = '']) => inScript ?? sent,
  );

it.each(sources)('%s uses known commands of Redis 6.2 only', (_file, text) => {
  expect(commandsIn(text).filter((command) => !KNOWN.has(command))).toEqual([]);
});

it('the check finds a command that is too new', () => {
  expect(commandsIn(`redis.call('FUNCTION', 'LOAD'); ask(['EXPIRETIME', key])`)).toEqual(['FUNCTION', 'EXPIRETIME']);
});
