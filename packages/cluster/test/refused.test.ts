import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createTracker } from '@stream-sessions/core';
import type { RedisClient } from '@stream-sessions/core/spi';
import { joinCluster, redisLink, type ClusterDirectory } from '../src/index.js';
import { until } from '../../../test/support/until.js';
import { oneRedis } from './support/one-redis.js';
import { SILENT } from './support/nodes.js';

const PASSWORD = 'of the test';
const redis = oneRedis(() => [
  '--requirepass',
  PASSWORD,
  '--user',
  'reader',
  'on',
  '>read',
  '~*',
  '&*',
  '+@read',
  '+ping',
]);

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function clientOf(options: Parameters<typeof createClient>[0]) {
  const client = createClient({ socket: { port: redis.port, host: '127.0.0.1' }, ...options });
  client.on('error', () => undefined);
  ends.push(() => client.isOpen && client.destroy());
  return client;
}

async function refusal(client: RedisClient): Promise<unknown> {
  const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT, autoStart: false });
  const via = redisLink(client);
  ends.unshift(() => via.close());
  return joinCluster(tracker, { via, logger: SILENT }).catch((error: unknown) => error);
}

const rejected = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_CLUSTER_LINK', message: expect.stringMatching(message) });

it('joining by a client without the password is rejected, with what helps', async () => {
  const client = new Redis(redis.port, '127.0.0.1');
  client.on('error', () => undefined);
  ends.push(() => client.disconnect());
  expect(await refusal(client)).toEqual(rejected(/NOAUTH .*; give the client the right password\.$/));
});

it('joining by a client whose user may not run scripts is rejected, with what helps', async () => {
  const client = await clientOf({ username: 'reader', password: 'read' }).connect();
  expect(await refusal(client)).toEqual(rejected(/NOPERM .*; let its user run EVAL/));
});

it('joining by a client whose user may run scripts, but not what they run, is rejected, with what helps', async () => {
  const admin = await clientOf({ password: PASSWORD }).connect();
  const user = async (...may: string[]) => {
    await admin.sendCommand(['ACL', 'SETUSER', 'some', 'reset', 'on', '>some', '~stream-sessions:*', '+ping', ...may]);
    return clientOf({ username: 'some', password: 'some' }).connect();
  };
  const helps = '+@read +@write +@scripting +time';
  const refused = await refusal(await user('+@read', '+@write', '+@scripting'));
  expect(refused).toEqual(rejected(/; let its user run EVAL, .*: \+@read \+@write \+@scripting \+time\.$/));
  const joined = await refusal(await user(...helps.split(' ')));
  expect(joined).toMatchObject({ health: { isAlone: false } });
  await (joined as ClusterDirectory).leave();
});

it('joining by a client that is not connected is rejected, with what helps', async () => {
  expect(await refusal(clientOf({ password: PASSWORD }))).toEqual(rejected(/; connect\(\) the client first\.$/));
});

it('a member whose second connection is refused later still hears of denials, and warns once', async () => {
  const admin = await clientOf({ password: PASSWORD }).connect();
  await admin.sendCommand(['ACL', 'SETUSER', 'node', 'on', '>node', '~*', '&*', '+@all']);
  const warned: string[] = [];
  const logger = { ...SILENT, warn: (_details: object, message: string) => void warned.push(message) };
  const join = async (name: string, options: Parameters<typeof createClient>[0]) => {
    const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT });
    const via = redisLink(await clientOf(options).connect());
    const directory = await joinCluster(tracker, { via, name, logger, leaseMs: 1_000 });
    ends.unshift(
      () => directory.leave(),
      () => via.close(),
    );
    return { tracker, directory };
  };
  const deaf = await join('deaf', { username: 'node', password: 'node' });
  const other = await join('other', { password: PASSWORD });
  await admin.sendCommand(['ACL', 'SETUSER', 'node', '-xread', '-xrange']);
  await until('it is said', () => warned.length > 0);
  const { pending } = await other.directory.deny({ ip: '203.0.113.7' });
  expect(pending).toEqual(['deaf']);
  await until('it has heard of it', () => deaf.tracker.denials().length === 1);
  expect(warned).toEqual([expect.stringMatching(/^cluster: this process cannot read what others say, .*NOPERM/)]);
  await admin.sendCommand(['ACL', 'SETUSER', 'node', '+xread', '+xrange']);
  await until('it answers again', async () => (await other.directory.deny({ ip: '203.0.113.8' })).pending.length === 0);
});
