import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWebhooks, type Webhooks } from '@stream-sessions/webhooks';
import { stays, until } from '../../../test/support/until.js';
import { type Nodes, play, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
let nodes: Nodes;
let folder: string;
let receiver: Server;
const received: any[] = [];
const running: Webhooks[] = [];
nodesOn(redis, (given) => (nodes = given));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cluster-webhooks-'));
  received.length = 0;
  receiver = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (part: string) => (body += part));
    req.on('end', () => {
      received.push(JSON.parse(body));
      res.writeHead(204).end();
    });
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((webhooks) => webhooks.stop()));
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Nodes that all tell one endpoint. */
async function three(endpoint: object): Promise<[Node, Node, Node]> {
  const all = [await nodes.add(), await nodes.add(), await nodes.add()] as [Node, Node, Node];
  await nodes.allSeen();
  for (const [i, { directory }] of all.entries()) {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const settings = { endpoints: [{ url, ...endpoint }], allowPrivateNetworks: true };
    running.push(await createWebhooks(directory, { ...settings, journal: join(folder, `journal-${i}`) }));
  }
  return all;
}

const of = (type: string) => received.filter((event) => event.type === type).map(({ data }) => data);

it('webhooks report once when a stream on all nodes exceeds a number of viewers, and when it falls below', async () => {
  const all = await three({ when: { viewersAbove: 3, viewersBelow: 3 } });
  const watch = (n: number) => play(all[n % 3] as Node, { sid: `s${n}`, token: `${n}` });
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) ids.push((await watch(n)).id);
  await until('it is reported', () => of('stream.viewers_above').length > 0, 25_000);
  expect(of('stream.viewers_above')[0]).toMatchObject({ stream_code: 'cam1', viewers: 4, limit: 3 });
  // nobody has seen more than two of them
  for (const { tracker } of all) expect(tracker.count({ status: 'active' })).toBeLessThan(3);
  for (const id of ids.slice(0, 2)) await all[2].directory.kick(id, { denyForMs: 0 });
  await until('its end is reported', () => of('stream.viewers_below').length > 0, 25_000);
  expect(of('stream.viewers_below')[0]).toMatchObject({ viewers: 2, limit: 3 });
  for (let n = 10; n < 12; n++) await watch(n);
  await until('it is reported again', () => of('stream.viewers_above').length > 1, 25_000);
  await stays('no other node tells it', () => received.length === 3, 1_300);
});

it('webhooks report once that the last publisher has gone, whichever node it was on', async () => {
  const [a, b] = await three({ when: { publisherLost: true } });
  const publish = (node: Node, n: number) =>
    play(node, { kind: 'input', protocol: 'rtmp', ip: `203.0.113.${n}`, token: `${n}` });
  const [first, second] = [await publish(a, 1), await publish(b, 2)];
  await until('both are reported', () => nodes.opened.length === 2);
  await b.directory.kick(first.id);
  await until('it has gone', () => nodes.closed.length === 1);
  await stays('nothing is lost', () => received.length === 0, 500);
  await a.directory.kick(second.id);
  await until('it is reported', () => received.length > 0, 25_000);
  await publish(b, 3);
  await until('there is one again', () => nodes.opened.length === 3);
  await b.directory.kickAll({ kind: 'input' });
  await until('it is reported again', () => received.length > 1, 25_000);
  await stays('no other node tells it', () => received.length === 2, 500);
  expect(of('stream.publisher_lost')).toMatchObject([
    { stream_code: 'cam1', reason: 'kicked', publisher: second.id },
    { stream_code: 'cam1', reason: 'kicked' },
  ]);
});

it('webhooks say in each event how many viewers the stream has on all nodes', async () => {
  const all = await three({ events: ['session.opened', 'session.closed'] });
  for (let n = 0; n < 3; n++) {
    await play(all[n] as Node, { sid: `s${n}`, token: `${n}` });
    await until('it is counted', async () =>
      (await Promise.all(all.map(({ directory }) => directory.count({ status: 'active' })))).every((c) => c === n + 1),
    );
  }
  await all[0].directory.kick(nodes.opened[2]?.id ?? '');
  await until('all are reported', () => received.length === 4, 25_000);
  expect(
    of('session.opened')
      .map(({ viewers }) => viewers)
      .sort(),
  ).toEqual([1, 2, 3]);
  expect(of('session.closed')).toMatchObject([{ viewers: 2 }]);
});
