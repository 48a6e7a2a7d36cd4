import { until } from '../../../test/support/until.js';
import { ask, play, type Nodes } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
nodesOn(oneRedis(), (made) => (nodes = made));

it('a denial that a policy of another node has made can be lifted from here', async () => {
  const refusing = {
    name: 'no',
    admit: () => ({ allow: false, reason: 'why', kind: 'forbidden', denyForMs: 60_000 }) as const,
  };
  const [a, b] = [await nodes.add(), await nodes.add({ policies: [refusing] })];
  await nodes.allSeen();
  expect((await ask(b)).admitted).toBe(false);
  const listed = await a.directory.denials();
  expect(listed).toMatchObject([{ by: 'policy' }]);
  expect(await a.directory.liftDenial(listed[0]?.id ?? '')).toBe(true);
  expect(await a.directory.denials()).toEqual([]);
  expect(await a.directory.liftDenial(listed[0]?.id ?? '')).toBe(false);
});

it('a denial that nobody knows may be one of a node that does not answer', async () => {
  const [a, b] = [await nodes.add({}, { leaseMs: 30_000 }), await nodes.add({}, { leaseMs: 30_000 })];
  await nodes.allSeen();
  await b.link.close();
  await expect(a.directory.liftDenial('of the other')).rejects.toMatchObject({
    code: 'ERR_CLUSTER_ALONE',
    message: expect.stringContaining('node-2'),
  });
});

it('a stream that no text can name is a stream all the same', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  await play(a, { stream: 'half \ud800 a character' });
  await until('it is listed', async () => (await b.directory.list({ status: 'active' })).length === 1);
  await a.directory.kickAll({ kind: 'viewer' });
  await until('it is over', async () => (await b.directory.count({ status: 'active' })) === 0);
  await until('its end is reported', () => nodes.closed.length === 1);
});
