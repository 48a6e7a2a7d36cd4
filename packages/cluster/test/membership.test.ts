import { systemClock } from '@stream-sessions/core/spi';
import { connect } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import { BUCKETS } from '../src/index.js';
import { HOLDER_LENGTH, LEASE, TAKEN } from '../src/membership/lease-steps.js';
import { leased } from '../src/membership/leased.js';
import { type Cluster, LEASE_MS, namesOf } from './support/members.js';
import { clusterOn, oneRedis } from './support/one-redis.js';

let cluster: Cluster;
const redis = oneRedis();
clusterOn(redis, (made) => (cluster = made));

const NOTE = leased('note', `redis.call('SET', KEYS[2], ARGV[2], 'PX', 60000) return now`);
const alone = { code: 'ERR_CLUSTER_ALONE' };

it('every node sees every other, and no longer sees one that has left', async () => {
  const [a, b] = [await cluster.joined('a'), await cluster.joined('b')];
  for (const each of [a, b]) await until('both are seen', () => namesOf(each).join() === 'a,b');
  expect(b.member.membership.nodes.living().every(({ clockOffsetMs }) => Math.abs(clockOffsetMs) < 1_000)).toBe(true);
  await a.member.leave();
  await until('one is seen', () => namesOf(b).join() === 'b');
});

it('a node with a different configuration is rejected, and the error names the option', async () => {
  const a = await cluster.joined('a', { config: { 'identity.viewer': '1', aliases: 'join' } });
  const b = await cluster.member('b', { config: { 'identity.viewer': '1', aliases: 'admit' } });
  await expect(b.member.join()).rejects.toMatchObject({
    code: 'ERR_CLUSTER_CONFIG',
    message: expect.stringContaining('"aliases".'),
  });
  await a.member.leave();
  const c = await cluster.joined('c', { config: { aliases: 'admit' } });
  expect(namesOf(c)).toEqual(['c']);
});

it('a node whose short id in records is already taken cannot join', async () => {
  const { member, link } = await cluster.joined('a');
  const { incarnation } = member.membership;
  const join = (who: string) => link.run(LEASE, 1, ['leases', 'epoch'], [who, '1000', 'epoch', 'join']);
  expect(await join(`${incarnation.slice(0, HOLDER_LENGTH)}another`)).toBe(TAKEN);
  // sent again
  expect(await join(incarnation)).not.toBe(TAKEN);
});

it('a node takes steps with a lease in each bucket, and learns the time of Redis', async () => {
  const { member } = await cluster.joined('a');
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    expect(member.holds(bucket)).toBe(true);
    const now = Number(await member.membership.run(NOTE, bucket, ['note'], ['x']));
    expect(Math.abs(now - member.membership.nodes.now())).toBeLessThan(1_000);
    expect(now - member.membership.epochOf(bucket).bornAt).toBeGreaterThanOrEqual(0);
  }
});

it('a node knows by its own clocks that its lease is over, and then joins as another incarnation', async () => {
  const { member } = await cluster.joined('a');
  const before = member.membership.incarnation;
  redis.signal('SIGSTOP');
  await until('its lease is over', () => !member.holds(3), 3 * LEASE_MS);
  await stays('it is over for Redis, too', () => !member.holds(3), LEASE_MS / 4);
  redis.signal('SIGCONT');
  await until('it has joined anew', () => member.holds(3));
  expect(member.membership.incarnation).not.toBe(before);
  expect(member.membership.nodes.living().map(({ incarnation }) => incarnation)).toContain(
    member.membership.incarnation,
  );
});

it.each([
  ['the wall clock', { wall: 3_600_000, monotonic: 0 }],
  ['the monotonic clock', { wall: -3_600_000, monotonic: LEASE_MS }],
])('a node holds nothing once its lease is over by %s', async (_which, by) => {
  const shift = { wall: 0, monotonic: 0 };
  const clock = {
    ...systemClock,
    now: () => Date.now() + shift.wall,
    monotonic: () => performance.now() + shift.monotonic,
  };
  const { member } = await cluster.joined('a', { clock });
  expect(member.holds(0)).toBe(true);
  Object.assign(shift, by);
  expect(member.holds(0)).toBe(false);
  await until('the next renewal has looked again', () => member.holds(0));
  expect(Math.abs(member.membership.nodes.now() - Date.now())).toBeLessThan(2_000);
  expect(Math.abs(member.membership.nodes.clockOffsetMs + by.wall)).toBeLessThan(2_000);
});

it('a node writes nothing without a lease, and joins anew when Redis has come back empty', async () => {
  const { member } = await cluster.joined('a');
  const { incarnation } = member.membership;
  const epoch = member.membership.epochOf(5).id;
  const aside = await connect('redis', redis.port);
  await aside.ask('FLUSHALL');
  const lost = member.membership.run(NOTE, 5, ['note'], ['x']);
  await expect(lost).rejects.toMatchObject(alone);
  expect(await aside.ask('EXISTS', `${cluster.prefix}{5}:note`)).toBe(0);
  await until('it has joined anew', () => member.membership.incarnation !== incarnation && member.holds(5));
  expect(member.membership.epochOf(5).id).not.toBe(epoch);
  await member.membership.run(NOTE, 5, ['note'], ['x']);
});

it('a node that leaves while it joins anew holds nothing, and gives up its leases', async () => {
  let goOn: (() => void) | undefined;
  let joins = 0;
  const onJoined = (): Promise<void> =>
    ++joins === 1 ? Promise.resolve() : new Promise<void>((resolve) => (goOn = resolve));
  const held: boolean[] = [];
  const hasLeft = async (bucket: number): Promise<boolean> => held.push(member.holds(bucket)) > 0;
  const { member } = await cluster.joined('a', { onJoined, hasLeft });
  const aside = await connect('redis', redis.port);
  await aside.ask('FLUSHALL');
  await until('it is about to have joined anew', () => goOn !== undefined);
  const left = member.leave();
  goOn?.();
  await left;
  expect(held).toEqual(Array(BUCKETS).fill(false));
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    expect(await aside.ask('EXISTS', `${cluster.prefix}{${bucket}}:leases`)).toBe(0);
  }
});

it('nodes sweep up after a dead one, bucket by bucket, in slices', async () => {
  const swept: string[] = [];
  const sweep = async (bucket: number, dead: string): Promise<boolean> => {
    const slice = `${bucket} ${dead}`;
    swept.push(slice);
    return swept.filter((each) => each === slice).length < 3;
  };
  const dead = await cluster.joined('dead');
  const { incarnation } = dead.member.membership;
  await cluster.joined('a', { sweep });
  const b = await cluster.joined('b', { sweep });
  await dead.link.close(); // as if it had died: nothing more comes of it
  await until('it is left out', () => namesOf(b).join() === 'a,b', 4 * LEASE_MS);
  const aside = await connect('redis', redis.port);
  const leaseIn = (bucket: number) => aside.ask('ZSCORE', `${cluster.prefix}{${bucket}}:leases`, incarnation);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    await until(`bucket ${bucket} has forgotten it`, async () => (await leaseIn(bucket)) === null);
  }
  expect(swept.sort()).toEqual(
    Array.from({ length: BUCKETS }, (_, bucket) => Array(3).fill(`${bucket} ${incarnation}`))
      .flat()
      .sort(),
  );
});

it('sweeps up when the lease of the dead ends, not only when its own is to be renewed', async () => {
  const swept = new Set<number>();
  const sweep = async (bucket: number): Promise<boolean> => {
    swept.add(bucket);
    return false;
  };
  const dead = await cluster.joined('dead');
  await cluster.joined('a', { sweep, leaseMs: 120_000, renewMs: 60_000 });
  await dead.link.close();
  await until('all buckets are swept', () => swept.size === BUCKETS);
});

it('a node that cannot join is no member between its attempts, and leaves none behind', async () => {
  const swept = new Set<string>();
  const sweep = async (_bucket: number, dead: string): Promise<boolean> => {
    swept.add(dead);
    return false;
  };
  const a = await cluster.joined('a', { sweep });
  const attempts: string[] = [];
  const onJoined = (): Promise<void> => {
    attempts.push(b.member.membership.incarnation);
    return Promise.reject(new Error('it hears nothing'));
  };
  // so long that none of its leases ends meanwhile
  const b = await cluster.member('b', { onJoined, leaseMs: 120_000 });
  const joining = b.member.join();
  await until('it has tried several times', () => attempts.length > 3);
  const left = expect(joining).rejects.toMatchObject(alone);
  await b.member.leave();
  await left;
  await until('a is alone', () => namesOf(a).join() === 'a');
  await until('all of them are swept up after', () => attempts.slice(0, -1).every((each) => swept.has(each)));
});
