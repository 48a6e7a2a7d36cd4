import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concurrencyPolicy } from '@stream-sessions/policies';
import { pace, until } from '../../../test/support/until.js';
import { limitedNode, slotsAreGivenOut } from './support/limits.js';
import { ask, Nodes, play, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
let folder: string;
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hub-'));
});
afterEach(async () => {
  await nodes.end();
  rmSync(folder, { recursive: true });
});

const limited = (options: { graceMs?: number } = {}): Promise<Node> => limitedNode(nodes, options);
const grown = (isRedis = true): Promise<void> => slotsAreGivenOut(nodes, isRedis ? redis.port : undefined);

describe.each(['Redis', 'a hub among workers'])('over %s, a limit that nodes share', (name) => {
  const isRedis = name === 'Redis';
  beforeEach(() => {
    if (!isRedis) nodes = new Nodes(folder);
  });

  it('counts a viewer once, whatever nodes it comes to, and refuses the third everywhere', async () => {
    const [a, b, c] = [await limited(), await limited(), await limited()];
    await nodes.allSeen();
    await grown(isRedis);
    for (const node of [a, b, c, a]) {
      await play(node, { token: 'eve-phone' });
      await play(node, { token: 'eve-tv', ip: '198.51.100.7' });
    }
    for (const node of [a, b, c]) {
      expect(await ask(node, { token: 'eve-laptop', ip: '192.0.2.7' })).toMatchObject({
        admitted: false,
        denial: { reason: 'limit', kind: 'limit', detail: '2 at a time per user' },
      });
      await play(node, { token: 'bob-phone' });
    }
    const [tv] = await a.directory.list({ status: 'active', ip: '198.51.100.7' });
    expect(await b.directory.kick(tv?.id ?? '', { denyForMs: 0 })).toBeTruthy();
    await until('its place is free', async () => (await ask(c, { token: 'eve-laptop', ip: '192.0.2.7' })).admitted);
  });

  it('is exact, however many open at once on all nodes', async () => {
    const all = [await limited(), await limited(), await limited()];
    await nodes.allSeen();
    await grown(isRedis);
    const asked = Array.from({ length: 90 }, (_, n) =>
      ask(all[n % 3] as Node, { token: `eve-${n}`, ip: `192.0.2.${n}` }),
    );
    const admitted = (await Promise.all(asked)).filter((each) => each.admitted);
    expect(admitted).toHaveLength(2);
  });
});

it('a shared limit gives a slot to another viewer when its holder was quiet for longer than the grace', async () => {
  const [a, b] = [await limited({ graceMs: 300 }), await limited({ graceMs: 300 })];
  await nodes.allSeen();
  await grown();
  await play(a, { token: 'eve-phone' });
  await play(b, { token: 'eve-tv', ip: '198.51.100.7' });
  await until('one of them is quiet', async () => (await ask(b, { token: 'eve-laptop', ip: '192.0.2.7' })).admitted);
});

it('a shared limit ends the newest of the viewers admitted while they could not be counted', async () => {
  const [a, b] = [await limited(), await limited()];
  await nodes.allSeen();
  // the cluster has just begun: each node counts by itself
  for (const [i, node] of [a, a, b, b].entries()) {
    await play(node, { token: `eve-${i}`, ip: `192.0.2.${i}` });
    await pace(5); // none is as new as another
  }
  const closing: string[] = [];
  for (const { tracker } of [a, b])
    tracker.on('closed', ({ session }) => void closing.push(`${session.ip} ${session.closeReason}`));
  await until('two have gone', () => closing.length === 2);
  expect(closing.sort()).toEqual(['192.0.2.2 limit', '192.0.2.3 limit']);
});

it('a shared limit rejects a `shared` option that is not a cluster', () => {
  expect(() => concurrencyPolicy({ max: 1, shared: {} as never })).toThrow(/joinCluster/);
});
