import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlaySession } from '@stream-sessions/core';
import { stays, until } from '../../../test/support/until.js';
import { CurlFeed, endFeeds, serveApi } from './support/curl-feed.js';
import { Nodes, play, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
let nodes: Nodes;
let workers: Nodes;
let folder: string;
nodesOn(redis, (given) => (nodes = given));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'feed-'));
  workers = new Nodes(folder);
});
afterEach(async () => {
  await endFeeds();
  await workers.end();
  rmSync(folder, { recursive: true, force: true });
});

async function three(via: 'redis' | 'workers'): Promise<[Node, Node, Node]> {
  const over = via === 'redis' ? nodes : workers;
  const all = [await over.add(), await over.add(), await over.add()] as [Node, Node, Node];
  await over.allSeen();
  return all;
}

describe.each(['redis', 'workers'] as const)('the feed of a node, over %s', (via) => {
  it('shows a viewer of two other nodes as one', async () => {
    const [a, b, c] = await three(via);
    const feed = new CurlFeed(await serveApi(c));
    await feed.until('reset', 2);
    const { id } = await play(a, { token: 't' }, 100);
    await feed.until('session.opened');
    await play(b, { token: 't' }, 50);
    await play(a, { token: 't' }, 7);
    const rows = () => feed.of('session.updated').map(({ data }) => data.payload);
    const shown = () => rows().reduce((row, payload) => ({ ...row, ...payload }), {});
    await until('it is shown as one', () => shown().bytes === 157 && shown().nodes?.length === 2);
    expect(shown()).toMatchObject({ id, nodes: ['node-1', 'node-2'], ip: '203.0.113.7' });
    await until('it is counted', () => feed.of('stats').some(({ data }) => data.stats.viewers === 1));
    expect(await a.directory.kick(id)).toBeTruthy();
    const closed = await feed.until('session.closed');
    expect(closed.data.payload).toMatchObject({ id, bytes: 157, reason: 'kicked' });
    await stays('nothing is told twice', () => feed.of('session.opened').length === 1, 700);
    expect(feed.of('session.closed')).toHaveLength(1);
    expect(feed.of('session.opened')[0]?.data.payload).toMatchObject({ id, nodes: ['node-1'] });
    expect(feed.of('session.updated').at(-1)?.data.payload.closed_at).toBeUndefined();
  });
});

it('the feed ends with the list that the nodes have, whatever viewers do', async () => {
  const [a, b, c] = await three('redis');
  const copy = new Map<string, { bytes: number; closed: boolean }>();
  const of = ({ id, bytes, closedAt }: Pick<PlaySession, 'id' | 'bytes' | 'closedAt'>) =>
    copy.set(id, { bytes, closed: closedAt !== undefined });
  const { everywhere } = c.directory;
  let missed = 0;
  everywhere.onMissed(() => missed++);
  const ends = [
    everywhere.on('opened', ({ session }) => of(session)),
    everywhere.on('closed', ({ session }) => of(session)),
    everywhere.on('changed', ({ progress }) => of({ ...progress, closedAt: undefined })),
  ];
  await until('all are watched', () => missed > 0);
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 48_271) % 0x7fffffff) % n;
  for (let i = 0; i < 150; i++) {
    const node = [a, b, c][random(3)] as Node;
    await play(node, { sid: `s${random(12)}`, token: 't' }, random(1_000)).catch(() => undefined);
    const victim = [...copy].filter(([, { closed }]) => !closed)[random(20)];
    if (i % 20 === 19 && victim) await node.directory.kick(victim[0], { denyForMs: 0 });
  }
  const live = async () => {
    const rows = await a.directory.list({ status: 'active' });
    return rows.map(({ id, bytes }) => `${id} ${bytes}`).sort();
  };
  const shown = () => [...copy].flatMap(([id, { bytes, closed }]) => (closed ? [] : [`${id} ${bytes}`])).sort();
  await until('it is the same', async () => (await live()).join() === shown().join());
  expect(shown().length).toBeGreaterThan(0);
  for (const end of ends) end();
});

it('the feed resumes from a cursor of its own node, but not from one of another node', async () => {
  const [a, , c] = await three('redis');
  const [url, other] = [await serveApi(c), await serveApi(a)];
  const feed = new CurlFeed(url);
  const { id: cursor } = await feed.until('reset', 2);
  await play(a, { token: 't' });
  const { id: seen } = await feed.until('session.opened');
  const again = new CurlFeed(url, '-H', `Last-Event-ID: ${cursor}`);
  expect((await again.until('session.opened')).id).toBe(seen);
  expect(again.of('reset')).toEqual([]);
  const elsewhere = new CurlFeed(other, '-H', `Last-Event-ID: ${cursor}`);
  expect((await elsewhere.until('reset')).data.reason).toBe('unknown');
});

it('nodes publish nothing for feeds while nobody listens', async () => {
  const steps: string[] = [];
  const a = await nodes.add({}, {}, (link) => ({
    run: (step, ...rest) => {
      steps.push(step.name);
      return link.run(step, ...rest);
    },
    follow: (...args) => link.follow(...args),
    close: () => link.close(),
  }));
  const b = await nodes.add();
  await nodes.allSeen();
  const heard: string[] = [];
  await play(a, { sid: '1' });
  const stop = b.directory.everywhere.on('opened', ({ session }) => void heard.push(session.id));
  let n = 0;
  await until('it hears of it', async () => (await play(a, { sid: `heard ${n++}` })) && heard.length > 0);
  stop();
  await until('nobody is told any more', async () => {
    const told = steps.filter((name) => name === 'publish').length;
    for (let i = 0; i < 5; i++) await play(a, { sid: `not heard ${n++}` });
    await stays('', () => true, 250);
    return steps.filter((name) => name === 'publish').length === told;
  });
});

it('the feed says so when events were lost, and when a node has joined', async () => {
  let isLosing = false;
  let lost = 0;
  const a = await nodes.add({}, {}, (link) => ({
    run: (step, ...rest) => {
      if (!isLosing || step.name !== 'publish') return link.run(step, ...rest);
      lost++;
      return Promise.reject(new Error('lost'));
    },
    follow: (...args) => link.follow(...args),
    close: () => link.close(),
  }));
  const b = await nodes.add();
  await nodes.allSeen();
  let missed = 0;
  const heard: string[] = [];
  b.directory.everywhere.onMissed(() => missed++);
  b.directory.everywhere.on('opened', ({ session }) => void heard.push(session.id));
  await until('it is watched', () => missed === 1);
  isLosing = true;
  await play(a, { sid: '1' });
  await until('it is lost', () => lost > 0);
  isLosing = false;
  expect(heard).toEqual([]);
  const { id } = await play(a, { sid: '2' });
  await until('the next one comes', () => heard.includes(id));
  expect(missed).toBeGreaterThan(1);
  const before = missed;
  await nodes.add();
  await until('who has joined is watched', () => missed > before);
});
