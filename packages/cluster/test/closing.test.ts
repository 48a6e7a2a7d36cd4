import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { createTracker } from '@stream-sessions/core';
import { closeClients, clientKinds, connect } from '../../../test/support/redis-clients.js';
import { until } from '../../../test/support/until.js';
import { joinCluster, redisLink, workerLink } from '../src/index.js';
import { add, say } from '../src/testing/world.js';
import type { WorkerLink } from '../src/worker/worker-link.js';
import { SILENT } from './support/nodes.js';
import { oneRedis } from './support/one-redis.js';

const redis = oneRedis();

afterEach(closeClients);

/** Fails where it takes longer than a moment. */
async function ends(what: string, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  void work.then(() => (isOver = true));
  await until(what, () => isOver);
}

describe.each(clientKinds)('while Redis is away, by "%s"', (kind) => {
  afterEach(() => redis.restart());

  it.each(['its follower', 'the link'])('%s can be closed', async (which) => {
    const { client } = await connect(kind, redis.port);
    let duplicates = 0;
    const { duplicate } = client as unknown as { duplicate: () => unknown };
    Object.assign(client, { duplicate: () => (duplicates++, duplicate.call(client)) });
    const link = redisLink(client);
    let heard = 0;
    const follower = await link.follow([{ name: 'news' }], () => heard++);
    await say(link, 'news', 'one');
    await until('it is connected', () => heard === 1);
    await redis.kill();
    await until('it connects again', () => duplicates > 1);
    if (which === 'its follower') await ends('it has stopped', follower.stop());
    await ends('it is closed', link.close());
  });
});

it('a follower of a hub that stands still can be stopped', async () => {
  const path = mkdtempSync(join(tmpdir(), 'hub-'));
  const [hub, link] = [workerLink({ path }) as WorkerLink, workerLink({ path })];
  await add(hub, 0);
  const follower = await link.follow([{ name: 'news' }], () => undefined);
  // as if its process got no time: what it is sent stays unread
  const { sockets } = hub.hub as unknown as { sockets: Set<Socket> };
  for (const socket of sockets) socket.pause();
  await ends('it has stopped', follower.stop());
  await link.close();
  await hub.close();
  rmSync(path, { recursive: true });
});

it('joining ends when the link is closed, although Redis is away', async () => {
  const { client } = await connect('redis', redis.port);
  const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT });
  const link = redisLink(client, { commandTimeoutMs: 100 });
  let warnings = 0;
  const logger = { ...SILENT, warn: () => warnings++ };
  await redis.kill();
  const joining = joinCluster(tracker, { via: link, leaseMs: 1_000, logger });
  joining.catch(() => undefined);
  await until('it is alone', () => warnings > 0);
  await link.close();
  await expect(joining).rejects.toMatchObject({ code: 'ERR_CLUSTER_LINK' });
  await tracker.stop();
  await redis.restart();
});
