import { until } from '../../../test/support/until.js';
import type { ClusterLink } from '../src/index.js';
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

it('lifting a denial, or those of a kick, costs the same however many others there are', async () => {
  let bytes = 0;
  const measured = (link: ClusterLink): ClusterLink => ({
    run: (step, bucket, keys, args) => {
      if (step.name === 'post') bytes += args.join('').length;
      return link.run(step, bucket, keys, args);
    },
    follow: (...args) => link.follow(...args),
    close: () => link.close(),
  });
  const [a, b] = [await nodes.add({}, {}, measured), await nodes.add({}, {}, measured)];
  await nodes.allSeen();
  const { id: session } = await play(a);
  await play(b);
  const others = await Promise.all(Array.from({ length: 300 }, (_, n) => a.directory.deny({ user: `user ${n}` })));
  expect(await b.directory.kick(session)).toMatchObject({ pending: [] });
  const kicked = (await b.directory.denials()).find(({ by }) => by === 'kick');
  bytes = 0;
  expect(await b.directory.liftDenial(others[0]?.id ?? '')).toBe(true);
  expect(await b.directory.liftDenial(kicked?.id ?? '')).toBe(true);
  expect(bytes).toBeLessThan(5_000);
  expect(await b.directory.denials()).toHaveLength(299);
});

it('what one tracker refuses as no tags, a cluster does', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const { id } = await play(a);
  for (const tags of [null, 'text', { name: 1 }, { name: 'x'.repeat(257) }]) {
    await expect(b.directory.tag(id, tags as never)).rejects.toMatchObject({ code: 'ERR_BAD_TAG' });
    expect(() => a.tracker.tag(id, tags as never)).toThrow(expect.objectContaining({ code: 'ERR_BAD_TAG' }));
  }
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
