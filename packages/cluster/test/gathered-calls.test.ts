import { closeClients, connect } from '../../../test/support/redis-clients.js';
import { BUCKETS, redisLink, type ClusterLink } from '../src/index.js';
import type { Step } from '../src/link/link.js';
import { oneRedis } from './support/one-redis.js';

const redis = oneRedis();

afterAll(closeClients);

/** Adds to the number of a bucket, except where it is told to fail. */
const call = `
if ARGV[1] == 'fail' then return redis.call('GET') end
if ARGV[1] == 'nothing' then return nil end
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return {sum, #KEYS, #ARGV, ARGV[#ARGV]}`;
const ADD: Step = { name: 'add', lua: call, gathered: { shared: '', call } };

let links = 0;

/** A link that notes how many keys each command names. `alter`: what becomes of its commands on their way. */
async function noted(alter: (args: string[]) => void = () => undefined) {
  const { client, ask } = await connect('redis', redis.port);
  const keys: number[] = [];
  const link: ClusterLink = redisLink(
    {
      send: async (_key: string | undefined, args: string[]) => {
        alter(args);
        keys.push(Number(args[2]));
        return ask(...args);
      },
      duplicate: () => client,
    } as never,
    { prefix: `gathered-${process.pid}-${links++}:` },
  );
  return { link, keys };
}

const buckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

it('calls that are made at once are one command, and each has its own answer', async () => {
  const { link, keys } = await noted();
  const sums = (n: number) =>
    Promise.all(buckets.map((bucket) => link.run(ADD, bucket, ['a', 'b'], [`${bucket + n}`, 'x'])));
  // Redis knows the script from then on
  await sums(0);
  keys.length = 0;
  expect(await sums(100)).toEqual(buckets.map((bucket) => [2 * bucket + 100, 2, 2, 'x']));
  expect(keys).toEqual([2 * BUCKETS]);
});

it('one that fails or answers nothing leaves the others alone', async () => {
  const { link } = await noted();
  const calls = ['1', 'fail', 'nothing', '2', '', 'fail', '3'].map((arg) => link.run(ADD, 3, ['a'], [arg]));
  const settled = await Promise.allSettled(calls);
  const failed = { status: 'rejected', reason: { code: 'ERR_CLUSTER_LINK' } };
  expect(settled).toMatchObject([
    { value: [1, 1, 1, '1'] },
    { ...failed, reason: { message: expect.stringContaining('Redis: ERR Wrong number of args') } },
    { value: null },
    { value: [3, 1, 1, '2'] },
    failed,
    failed,
    { value: [6, 1, 1, '3'] },
  ]);
});

it('a call that nobody else makes is sent as it is, and those that follow at once wait for a moment', async () => {
  const { link, keys } = await noted();
  expect(await link.run(ADD, 0, ['a'], ['1'])).toEqual([1, 1, 1, '1']);
  keys.length = 0;
  const following = [];
  for (let n = 0; n < 4; n++) {
    following.push(link.run(ADD, 0, ['a'], ['1']));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await Promise.all(following)).map((reply) => (reply as number[])[0])).toEqual([2, 3, 4, 5]);
  expect(keys.length).toBeLessThan(4);
});

it('no command is longer than Redis and its client can stand', async () => {
  const { link, keys } = await noted();
  const long = Array.from({ length: 900 }, () => '1');
  const sums = await Promise.all(Array.from({ length: 20 }, () => link.run(ADD, 0, ['a'], long)));
  expect(sums).toEqual(Array.from({ length: 20 }, (_, n) => [n + 1, 1, 900, '1']));
  expect(Math.max(...keys)).toBeLessThanOrEqual(5);
});

it('where the buckets are in several places, each call is a command from then on', async () => {
  let refused = 0;
  const { link, keys } = await noted((args) => {
    const names = args.slice(3, 3 + Number(args[2]));
    if (new Set(names.map((name) => /\{\d+\}/.exec(name)?.[0])).size < 2) return;
    refused++;
    throw new Error("CROSSSLOT Keys in request don't hash to the same slot");
  });
  const sums = () => Promise.all(buckets.map((bucket) => link.run(ADD, bucket, ['a'], ['1'])));
  expect(await sums()).toEqual(buckets.map(() => [1, 1, 1, '1']));
  expect(await sums()).toEqual(buckets.map(() => [2, 1, 1, '1']));
  expect(refused).toBe(1);
  expect(Math.max(...keys)).toBe(1);
});
