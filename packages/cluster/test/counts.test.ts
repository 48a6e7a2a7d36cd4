import { connect } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import { createTracker } from '@stream-sessions/core';
import { joinCluster, redisLink } from '../src/index.js';
import { counting } from './support/counting-link.js';
import { CHANGED_MS } from '../src/visits/visit-lua.js';
import { hit, type Node, type Nodes, play, SILENT, visitsIn } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
let nodes: Nodes;
nodesOn(redis, (given) => (nodes = given));

const live = { status: 'active' } as const;

it('the counts have each visit once, by stream and kind, from memory', async () => {
  const steps = new Map<string, number>();
  const [a, b] = [await nodes.add(), await nodes.add({}, {}, counting(steps))];
  for (const node of [a, b]) for (let n = 0; n < 6; n++) await play(node, { sid: `s${n}`, stream: `cam${n % 2}` });
  await play(a, { kind: 'input', stream: 'cam0', protocol: 'rtmp' });
  await until('all are counted', async () => (await b.directory.count(live)) === 7);
  const startedAt = performance.now();
  const asked = steps.get('count') ?? 0;
  for (let n = 0; n < 500; n++) {
    expect(await b.directory.count({ ...live, stream: 'cam0' })).toBe(4);
    expect(await b.directory.count({ ...live, stream: 'cam0', kind: 'viewer' })).toBe(3);
    expect(await b.directory.count({ ...live, kind: ['input', 'output'] })).toBe(1);
    expect(await b.directory.count({ ...live, stream: 'nobody' })).toBe(0);
  }
  // one look at all 16 buckets in 700 ms, however often somebody asks
  const looks = 1 + Math.ceil((performance.now() - startedAt) / 700);
  expect((steps.get('count') ?? 0) - asked).toBeLessThanOrEqual(16 * looks);
});

it('counts are read again only where they have changed', async () => {
  const read: unknown[][] = [];
  const [a, b] = [
    await nodes.add(),
    await nodes.add({}, {}, (link) => ({
      run: async (step, ...rest) => {
        const reply = await link.run(step, ...rest);
        if (step.name === 'count' && Array.isArray(reply) && reply.length > 1) read.push(reply.slice(2));
        return reply;
      },
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    })),
  ];
  for (let n = 0; n < 80; n++) await play(a, { stream: `cam${n}` });
  await until('all are counted', async () => (await b.directory.count(live)) === 80);
  // until the changes of that time are not among the latest any more
  await stays('all are counted', async () => (await b.directory.count(live)) === 80, 2 * CHANGED_MS);
  read.length = 0;
  await stays('all are counted', async () => (await b.directory.count(live)) === 80, 1_500);
  expect(read).toEqual([]);
  await play(a, { stream: 'one more' });
  await until('it is counted', async () => (await b.directory.count(live)) === 81);
  expect(read).toEqual([['some', ['v:one%20more', '1']]]);
  await a.directory.kickAll({ stream: 'one more' }, { denyForMs: 0 });
  await until('it is not counted any more', async () => (await b.directory.count(live)) === 80);
  expect(read.slice(1)).toEqual([['some', ['v:one%20more', '0']]]);
});

it('counts are right, whoever opens and closes, and however often somebody asks', async () => {
  const a = await nodes.add();
  const trio = [a, await nodes.add(), await nodes.add()] as const;
  const streams = Array.from({ length: 30 }, (_, n) => `cam${n}`);
  const watching = new Map<string, number>();
  const here = (stream: string): number => watching.get(stream) ?? 0;
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < 20; n++) {
      const stream = streams[(7 * n + round * round) % streams.length] as string;
      await play(trio[n % 3] as Node, { stream, sid: `${round} ${n}` });
      watching.set(stream, here(stream) + 1);
    }
    const over = streams[(5 * round) % streams.length] as string;
    await trio[round % 3]?.directory.kickAll({ stream: over }, { denyForMs: 0 });
    watching.delete(over);
    const all = [...watching].filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const { directory } of trio) {
      await until('the counts are right', async () => {
        const shown = (await directory.streams()).map(({ stream, viewers }) => [stream, viewers]);
        return JSON.stringify(shown) === JSON.stringify(all);
      });
    }
    if (round % 4 === 3) await stays('they are right', () => a.directory.nodes().length === 3, CHANGED_MS);
  }
});

it('the counts include at once what their own node has done', async () => {
  const a = await nodes.add();
  expect(await a.directory.count(live)).toBe(0);
  await play(a, { token: 't' });
  await until('it is reported', () => nodes.opened.length === 1);
  expect(await a.directory.count(live)).toBe(1);
  await a.directory.kick(nodes.opened[0]?.id ?? '');
  await until('its end is reported', () => nodes.closed.length === 1);
  expect(await a.directory.count(live)).toBe(0);
});

it('the counts send nothing to Redis while nobody asks or listens', async () => {
  const steps = new Map<string, number>();
  const { client } = await connect('redis', redis.port);
  const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT });
  const link = counting(steps)(redisLink(client, { prefix: nodes.prefix }));
  const directory = await joinCluster(tracker, { via: link, logger: SILENT });
  for (let n = 0; n < 5; n++) tracker.trackHttp(hit({ sid: `s${n}` }));
  await until('all is reported', async () => (await nodes.records()).join('\n').split('\n').length === 5);
  expect(steps.get('count')).toBeUndefined();
  expect(await directory.count(live)).toBe(5);
  await directory.leave();
  await tracker.stop({ timeoutMs: 10 });
  await link.close();
});

it('the counts are right after a crash, and after Redis has come back empty', async () => {
  const [a, b] = [await nodes.add(), await nodes.add()];
  for (let n = 0; n < 5; n++) await play(a, { sid: `of a ${n}` });
  for (let n = 0; n < 3; n++) for (const node of [a, b]) await play(node, { sid: `of both ${n}` });
  await until('all are counted', async () => (await b.directory.count(live)) === 8);
  const aside = await connect('redis', redis.port);
  await aside.ask('FLUSHALL');
  const asked = () => b.directory.count(live).catch(() => 0);
  const recorded = async () =>
    (await nodes.records())
      .join('\n')
      .split('\n')
      .filter((line) => line !== '').length;
  await until('all are put back', async () => (await recorded()) === 8);
  await until('both nodes are back', () => b.directory.nodes().length === 2);
  await until('all are counted again', async () => (await asked()) === 8);
  await a.crash();
  await until('the dead is forgotten', async () => (await asked()) === 3);
  expect(await b.directory.streams()).toMatchObject([{ stream: 'cam1', viewers: 3 }]);
});

it('the counts keep nothing about streams without sessions', async () => {
  const a = await nodes.add();
  for (let n = 0; n < 20; n++) await play(a, { stream: `once${n}` });
  await until('all are reported', () => visitsIn(nodes.opened) === 20);
  await a.directory.kickAll({ kind: 'viewer' });
  await until('all ends are reported', () => visitsIn(nodes.closed) === 20);
  expect(await nodes.keys('counts')).toEqual([]);
});
