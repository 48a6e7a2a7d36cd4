import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHistory, type History } from '@stream-sessions/history';
import { createWebhooks, type Webhooks } from '@stream-sessions/webhooks';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { stays, until } from '../support/until.js';
import { startPostgres, type PostgresServer } from '../../packages/history/test/support/postgres.js';
import { closeReceivers, receiver } from '../../packages/webhooks/test/support/receiver.js';
import { Nodes, play, SILENT, type Node } from '../../packages/cluster/test/support/nodes.js';

let redis: RedisServer;
let postgres: PostgresServer;
let nodes: Nodes;
let folder: string;
beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
afterAll(async () => {
  await redis.stop();
  await postgres.stop();
});
beforeEach(() => {
  nodes = new Nodes(redis.port);
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-cluster-'));
});
afterEach(async () => {
  await nodes.end();
  await closeReceivers();
  rmSync(folder, { recursive: true, force: true });
});

/** Two viewers: one is seen at both nodes and kicked, the other one is at a node that dies. */
async function story(a: Node, b: Node): Promise<[kicked: string, lost: string]> {
  const { id: kicked } = await play(a, { token: 'kicked' });
  await play(b, { token: 'kicked' });
  await b.directory.kick(kicked);
  const { id: lost } = await play(a, { token: 'lost', userAgent: 'other' });
  await until('all is reported', () => nodes.opened.length === 2 && nodes.closed.length === 1);
  expect(nodes.closed).toMatchObject([{ id: kicked, bytes: 200 }]);
  await until('nothing is left to report', async () => (await nodes.keys('outbox-*')).length === 0);
  return [kicked, lost];
}

it('webhooks of two nodes report each visit once, even one whose node has died', async () => {
  const to = await receiver();
  const secrets = [`whsec_${Buffer.alloc(32, 7).toString('base64')}`];
  const hooks = async ({ directory }: Node, name: string): Promise<Webhooks> =>
    createWebhooks(directory, {
      ...{
        endpoints: [{ url: to.url, secrets }],
        journal: join(folder, name),
        allowPrivateNetworks: true,
        logger: SILENT,
      },
    });
  const [a, b] = [await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const both = [await hooks(a, 'a'), await hooks(b, 'b')];
  const [kicked, lost] = await story(a, b);
  await to.until(3);
  await both[0]?.stop();
  await a.crash();
  await until('its end is reported', () => to.received.length >= 4, 15_000);
  // a later process of the one that has died finds nothing that nobody has told of
  const again = await hooks(b, 'a');
  await stays('no more is told', () => to.received.length === 4, 500);
  const all = to.received.map(({ json: { type, data } }) => `${type} ${data.session_id} ${data.reason ?? ''}`);
  expect(all.sort()).toEqual(
    [
      ...[`session.opened ${kicked} `, `session.closed ${kicked} kicked`],
      ...[`session.opened ${lost} `, `session.closed ${lost} lost`],
    ].sort(),
  );
  await again.stop();
  await both[1]?.stop();
});

it('histories of two nodes keep each visit once, with what was known before its node died', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const open = async ({ directory }: Node, name: string): Promise<History> => {
    const history = await openHistory({ url: postgres.url, journal: join(folder, name), logger: SILENT });
    history.attach(directory);
    return history;
  };
  const both = [await open(a, 'a'), await open(b, 'b')];
  const [kicked, lost] = await story(a, b);
  for (const history of both) await history.flushed();
  await both[0]?.stop();
  await a.crash();
  const kept = async () => {
    await both[1]?.flushed();
    return (await both[1]?.visits())?.visits ?? [];
  };
  await until('the end is kept', async () => (await kept()).every(({ closedAt }) => closedAt !== undefined), 15_000);
  const visits = [...(await kept())].sort((x, y) => x.openedAt - y.openedAt);
  const known = { ip: '203.0.113.7', protocol: 'hls', stream: 'cam1' };
  expect(visits).toMatchObject([
    { id: kicked, ...known, closeReason: 'kicked', bytes: 200 },
    { id: lost, ...known, closeReason: 'lost' },
  ]);
  await both[1]?.stop();
});
