import type { Policy } from '@stream-sessions/core';
import { type Nodes, play } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
nodesOn(oneRedis(), (made) => (nodes = made));

describe('the explanation of a session in a cluster', () => {
  it('is that of the node that last asked its policies', async () => {
    const endsAt = [Date.now() + 3_600_000, Date.now() + 7_200_000];
    let asked = 0;
    const policies: Policy[] = [
      { name: 'login', stage: 'authorise', admit: () => ({ allow: true, expiresAt: endsAt[asked++] as number }) },
    ];
    const [a, b] = [await nodes.add({ policies }), await nodes.add({ policies })];
    const { id } = await play(a, { token: 't' });
    await play(b, { token: 't' });
    for (const { directory } of [a, b]) {
      const why = await directory.explain(id);
      expect(why?.policies).toMatchObject([{ policy: 'login', allowed: true, expiresAt: endsAt[1] }]);
      expect(why).not.toHaveProperty('partial');
    }
    await a.directory.kick(id);
    expect(await b.directory.explain(id)).toMatchObject({ closeReason: 'kicked' });
    expect(await a.directory.explain('nobody')).toBeUndefined();
  });

  it('names the nodes that do not answer', async () => {
    const [a, b] = [await nodes.add(), await nodes.add()];
    const { id } = await play(a, { token: 't' });
    await nodes.allSeen();
    await b.link.close();
    expect(await a.directory.explain(id)).toMatchObject({ partial: true, missing: ['node-2'] });
    await expect(a.directory.explain('nobody')).rejects.toMatchObject({ code: 'ERR_CLUSTER_ALONE' });
  });
});
