import { clusterPort } from '@stream-sessions/core/spi';
import { pace, stays, until } from '../../../test/support/until.js';
import type { ClusterLink } from '../src/index.js';
import { play, type Node, type Nodes } from './support/nodes.js';
import { LINKS, nodesOver, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
const eve = { token: 'eve' };
const LIVE = { kind: 'viewer', status: 'active' } as const;

const rows = async ({ directory }: Node) => [...(await directory.list({ status: 'active' }))];

describe.each(LINKS)('over %s, a part whose visit has ended on the other nodes', (link) => {
  let nodes: Nodes;
  nodesOver(link, redis, (made) => (nodes = made));

  it('begins anew if its node was cut off when the visit ended: it is listed, counted and kicked', async () => {
    let isCut = false;
    const cut = (real: ClusterLink): ClusterLink => ({
      run: (...all) => (isCut ? Promise.reject(new Error('cut off')) : real.run(...all)),
      follow: (...all) => real.follow(...all),
      close: () => real.close(),
    });
    const [a, b] = [await nodes.add(), await nodes.add({}, {}, cut)];
    await nodes.allSeen();
    const before = await play(a, eve);
    await play(b, eve);
    await nodes.tellsOpened(1);
    isCut = true;
    await until('it is left out', () => a.directory.nodes().length === 1);
    expect(await a.directory.kick(before.id, { denyForMs: 0 })).toBeTruthy();
    await until('its end is reported', () => nodes.closed.length === 1);
    isCut = false;
    await nodes.allSeen();
    await nodes.tellsOpened(2);
    const { id, openedAt } = nodes.opened[1] ?? { id: '', openedAt: 0 };
    expect(openedAt).toBeGreaterThan(before.openedAt);
    for (const node of [a, b]) {
      expect(await rows(node)).toMatchObject([{ id, openedAt, nodes: ['node-2'] }]);
      await until('it is counted', async () => (await node.directory.count(LIVE)) === 1);
    }
    expect(await a.directory.kick(id)).toBeTruthy();
    await until('its end is reported', () => nodes.closed.length === 2);
    expect(nodes.closed[1]).toMatchObject({ id, openedAt, closeReason: 'kicked' });
    expect(await rows(b)).toEqual([]);
  });

  it('ends if its node hears of the end only after a new name of the viewer', async () => {
    const late = (real: ClusterLink): ClusterLink => ({
      run: async (step, ...rest) => {
        if (step.name === 'post') await pace(500);
        return real.run(step, ...rest);
      },
      follow: (...all) => real.follow(...all),
      close: () => real.close(),
    });
    const [a, b] = [await nodes.add({}, {}, late), await nodes.add()];
    await nodes.allSeen();
    const { id, openedAt } = await play(a, eve);
    await play(b, eve);
    await nodes.tellsOpened(1);
    clusterPort(a.tracker).end(id, openedAt, 'expired');
    await until('it has ended for everybody', async () => (await b.directory.count(LIVE)) === 0);
    await play(b, { ...eve, sid: 'a name that is new' });
    await until('its end is reported', () => nodes.closed.length === 1);
    await stays('there is no other', () => nodes.opened.length === 1 && b.tracker.count(LIVE) === 0, 2_500);
  });
});
