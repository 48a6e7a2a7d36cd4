import type { KickOptions, SessionFilter } from '@stream-sessions/core';
import { pace, until } from '../../../test/support/until.js';
import type { ClusterLink, ClusterOptions } from '../src/index.js';
import { ask, hit, type Nodes, play, type Node } from './support/nodes.js';
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

  it('names as pending who has not heard of the denial, however long that takes', async () => {
    const slow = (link: ClusterLink): ClusterLink => ({
      run: async (step, ...rest) => {
        if (step.name === 'append') await pace(1_500);
        return link.run(step, ...rest);
      },
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    });
    const [a, b] = [await nodes.add({}, {}, slow), await nodes.add()];
    await nodes.allSeen();
    const { id } = await play(a, { sid: 's' });
    expect(await b.directory.kick(id)).toEqual({ nodes: ['node-1'], pending: ['node-2'] });
    await until('it is heard', async () => !(await ask(b, { sid: 's' })).admitted);
  });

  it('names nodes as pending that have the name of one that has cut', async () => {
    const [a, b] = await two({ leaseMs: 20_000, name: 'same' });
    const { id } = await play(a, { sid: 's' });
    await play(b, { sid: 's' });
    await b.link.close();
    expect(await a.directory.kick(id)).toEqual({ nodes: ['same'], pending: ['same'] });
  });

  it('of a thousand is heard of everywhere soon, and all are counted', async () => {
    const [a, b] = await two({ leaseMs: 20_000 });
    for (let n = 0; n < 1_000; n++) a.tracker.trackHttp(hit({ token: `t${n}`, ip: `10.0.${n >> 8}.${n & 255}` }));
    expect(await b.directory.kickAll({ stream: 'cam1' })).toBe(1_000);
    expect(a.tracker.stats().active).toBe(0);
    await until('all denials are heard', () => b.tracker.denials().length === 1_000);
  });

  it('of all that match says which nodes have not answered, and what the others have done', async () => {
    const [a, b] = await two({ leaseMs: 30_000 });
    for (const node of [a, b]) await play(node, { token: node.directory === a.directory ? 'a' : 'b' });
    await b.link.close();
    await expect(a.directory.kickAll({ stream: 'cam1' })).rejects.toMatchObject({
      code: 'ERR_CLUSTER_ALONE',
      message: expect.stringContaining('1 sessions were kicked, but not on all nodes: these did not answer: node-2'),
    });
    await expect(a.directory.get('of the other')).rejects.toMatchObject({ code: 'ERR_CLUSTER_ALONE' });
    await expect(a.directory.tag('of the other', {})).rejects.toMatchObject({ code: 'ERR_CLUSTER_ALONE' });
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
    await until('both are back', () => [a, b].every(({ directory }) => directory.nodes().length === 2));
    // what was said meanwhile is heard
    await until('it is known there', () => b.tracker.denials().length === 1);
    expect((await ask(b, { sid: 'here' })).admitted).toBe(false);
  });
});

describe('a kick of all who match', () => {
  it('ends visits on all nodes, and counts each once', async () => {
    const [a, b] = await two();
    for (const node of [a, b]) await play(node, { sid: 'on both', stream: 'cam1' });
    await play(b, { sid: 'there', stream: 'cam1' });
    await play(b, { sid: 'elsewhere', stream: 'cam2' });
    expect(await a.directory.kickAll({ stream: 'cam1', status: 'closed' })).toBe(0);
    expect(await a.directory.kickAll({ stream: 'cam1' }, { denyForMs: 0 })).toBe(2);
    expect([...(await a.directory.list({ status: 'active' }))]).toMatchObject([{ stream: 'cam2' }]);
  });

  it('ends the first ones of all nodes, up to a limit', async () => {
    const [a, b] = await two();
    const ids: string[] = [];
    for (const [n, node] of [a, b, a, b].entries()) ids.push((await play(node, { sid: `${n}` })).id);
    const before = [...(await a.directory.list({ status: 'active' }))].map(({ id }) => id);
    expect(await a.directory.kickAll({ kind: 'viewer', limit: 3 }, { denyForMs: 0 })).toBe(3);
    expect((await b.directory.list({ status: 'active' })).map(({ id }) => id)).toEqual(before.slice(3));
  });

  it.each<[string, SessionFilter, KickOptions, string]>([
    ['without a filter', {}, {}, 'ERR_EMPTY_FILTER'],
    ['with nothing but a limit', { limit: 1 }, {}, 'ERR_EMPTY_FILTER'],
    ['with a misspelt field', { strem: 'cam1' } as SessionFilter, {}, 'ERR_BAD_OPTION'],
    ['with a wrong option', { stream: 'cam1' }, { denyForMs: -1 }, 'ERR_BAD_OPTION'],
  ])('%s is an error, and ends nothing', async (_, filter, options, code) => {
    const [a, b] = await two();
    await play(b, { stream: 'cam1', sid: 'there' });
    await play(a, { stream: 'cam1', sid: 'here' });
    await expect(a.directory.kickAll(filter, options)).rejects.toMatchObject({ code });
    expect(await a.directory.list({ status: 'active' })).toHaveLength(2);
  });
});

it('wrong filters and options are errors on a cluster as on one tracker', async () => {
  const [a] = await two();
  const { directory } = a;
  const { id } = await play(a);
  const asked: [unknown, string][] = [
    [directory.list({ order: 'bytes' as never }), 'ERR_BAD_OPTION'],
    [directory.list(null as never), 'ERR_BAD_OPTION'],
    [directory.count({ status: 'active', kind: 'nobody' as never }), 'ERR_BAD_OPTION'],
    [directory.count({ country: 'DE', staus: 'active' } as never), 'ERR_BAD_OPTION'],
    [directory.kick(id, { denyForMs: -1 }), 'ERR_BAD_OPTION'],
    [directory.reauthorize({}), 'ERR_EMPTY_FILTER'],
  ];
  for (const [answer, code] of asked) await expect(answer).rejects.toMatchObject({ code });
});
