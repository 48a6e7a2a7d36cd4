import { until } from '../../../test/support/until.js';
import type { ClusterOptions } from '../src/index.js';
import { ask, type Nodes, play, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));

const two = async (over: Partial<ClusterOptions> = {}): Promise<[Node, Node]> => {
  const all: [Node, Node] = [await nodes.add({}, over), await nodes.add({}, over)];
  await nodes.allSeen();
  return all;
};

describe('a kick', () => {
  it('names the nodes that have cut, including the one that was asked', async () => {
    const [a, b] = await two();
    const { id } = await play(a, { sid: 's' });
    expect(await a.directory.kick(id, { denyForMs: 0 })).toEqual({ nodes: ['node-1'], pending: [] });
    await play(a, { sid: 's' });
    await play(b, { sid: 's' });
    expect(await b.directory.kick(id, { denyForMs: 0 })).toEqual({ nodes: ['node-1', 'node-2'], pending: [] });
    expect(await b.directory.kick(id)).toBe(false);
    expect(await b.directory.kick('nobody')).toBe(false);
  });

  it('is one denial in the list, and is lifted as one', async () => {
    const [a, b] = await two();
    const { id } = await play(a, { token: 't' });
    await play(b, { token: 't', ip: '203.0.113.8' });
    expect(await a.directory.kick(id, { reason: 'enough' })).toMatchObject({ pending: [] });
    for (const node of [a, b]) expect((await ask(node, { token: 't' })).admitted).toBe(false);
    const denials = await b.directory.denials();
    expect(denials).toMatchObject([{ by: 'kick', target: { session: id }, detail: 'enough', hits: 2 }]);
    expect(await b.directory.liftDenial(denials[0]?.id ?? '')).toBe(true);
    expect(await a.directory.denials()).toEqual([]);
    for (const node of [a, b]) expect((await ask(node, { token: 't' })).admitted).toBe(true);
  });

  it('waits at most a second for a node that does not answer, and names it', async () => {
    const [a, b] = await two({ leaseMs: 20_000 });
    const { id } = await play(a, { sid: 's' });
    await play(b, { sid: 's' });
    // it lives, but says nothing
    await b.link.close();
    expect(await a.directory.kick(id)).toEqual({ nodes: ['node-1'], pending: ['node-2'] });
    expect((await ask(a, { sid: 's' })).admitted).toBe(false);
    await expect(a.directory.kick('of the other, perhaps')).rejects.toMatchObject({
      code: 'ERR_CLUSTER_ALONE',
      message: expect.stringContaining('node-2'),
    });
  });

  it('ends the local part, and says that it cannot ask other nodes, while Redis is away', async () => {
    const [a, b] = await two();
    const here = await play(a, { sid: 'here' });
    const there = await play(b, { sid: 'there' });
    await redis.kill();
    expect(await a.directory.kick(here.id)).toMatchObject({ nodes: ['node-1'] });
    await expect(a.directory.kick(there.id)).rejects.toMatchObject({ code: 'ERR_CLUSTER_ALONE' });
    await until('its lease has ended', () => a.directory.health.isAlone);
    await expect(a.directory.kick(there.id)).rejects.toMatchObject({ code: 'ERR_CLUSTER_ALONE' });
    expect(a.tracker.list({ status: 'active' })).toEqual([]);
    await redis.restart();
    await until('both are back', () => [a, b].every(({ directory }) => directory.nodes().length === 2), 15_000);
    // what was said meanwhile is heard
    await until('it is known there', () => b.tracker.denials().length === 1);
    expect((await ask(b, { sid: 'here' })).admitted).toBe(false);
  });
});
