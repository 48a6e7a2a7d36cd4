import { closeClients, connect, type OpenClient } from '../support/redis-clients.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { ClusterNodes, viewer, type ClusterNode, type Row, type Viewer } from './support/cluster-nodes.js';

const LEASE_MS = 3_000;

let redis: RedisServer;
let aside: OpenClient;
let nodes: ClusterNodes;
let a: ClusterNode;
let b: ClusterNode;
let c: ClusterNode;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  nodes = new ClusterNodes();
  aside = await connect('redis', redis.port);
  const join = (kind: 'redis' | 'ioredis') =>
    nodes.start({ port: redis.port, kind }, { leaseMs: LEASE_MS, whenAlone: 'refuse' });
  [a, b, c] = await Promise.all([join('redis'), join('ioredis'), join('redis')]);
  await nodes.allSeen();
});
afterEach(async () => {
  await nodes.end();
  closeClients();
});
afterAll(() => redis?.stop());

const devices = (user: string, count: number): Viewer[] => Array.from({ length: count }, (_, n) => viewer(user, n));
const playAll = (node: ClusterNode, viewers: readonly Viewer[]): Promise<number[]> =>
  Promise.all(viewers.map((each) => node.play(each)));
const told = (type: 'opened' | 'closed') => nodes.told.filter((each) => each.type === `session.${type}`);

it('sessions of a killed process alone are closed as lost, by others, once, when its lease has ended', async () => {
  const [alone, shared] = [devices('alone', 40), devices('shared', 20).map((each) => ({ ...each, stream: 'cam2' }))];
  await playAll(a, [...alone, ...shared]);
  await playAll(b, shared);
  await nodes.settled(60, [aside]);
  const killedAt = Date.now();
  a.child.kill('SIGKILL');
  await until('its visits are closed', () => told('closed').length >= 40);
  expect(Date.now() - killedAt).toBeGreaterThan(LEASE_MS / 3);
  expect(told('closed').every(({ by, payload }) => by !== a.name && payload['reason'] === 'lost')).toBe(true);
  await nodes.settled(20, [aside], true);
});

it('events that a killed process was delivering are delivered by another, with the same ids', async () => {
  const opened = playAll(a, devices('eve', 60));
  await until('it has begun to report', () => told('opened').length > 10);
  a.child.kill('SIGKILL');
  await opened;
  await nodes.settled(0, [aside], true);
  const tellers = new Map<string, Set<string>>();
  for (const { id, by } of told('opened')) tellers.set(id, (tellers.get(id) ?? new Set()).add(by));
  const twice = [...tellers.values()].filter(({ size }) => size === 2);
  expect(twice.length).toBeGreaterThan(0);
  expect(twice.every((names) => names.has(a.name))).toBe(true);
});

it('events that a killed process had yet to deliver are delivered by another', async () => {
  await a.ask('dieOf', '"new ');
  expect(await a.play(viewer('eve', 1))).toBe(0);
  await until('it is dead', () => !a.isAlive);
  await nodes.settled(0, [aside]);
  expect(nodes.told.map(({ type, payload }) => `${type} ${payload['reason'] ?? ''}`)).toEqual([
    'session.opened ',
    'session.closed lost',
  ]);
  await b.play(viewer('bob', 1));
  await nodes.settled(1, [aside]);
  await b.ask('dieOf', '"closed ');
  b.ask('kickAll').catch(() => undefined);
  await until('it is dead', () => !b.isAlive);
  await nodes.settled(0, [aside], true);
  expect(told('closed').map(({ by, payload }) => `${by} ${payload['reason']}`)[1]).toBe(`${c.name} kicked`);
});

it('a viewer denied while a process is suspended is refused there, and the process joins anew', async () => {
  const [known, newcomers, welcome] = [devices('known', 5), devices('eve', 30), devices('bob', 10)];
  await playAll(a, known);
  await nodes.settled(5, [aside]);
  a.child.kill('SIGSTOP');
  const waiting = [playAll(a, newcomers), playAll(a, welcome)] as const;
  for (const user of ['eve', 'known']) await b.ask('deny', { user });
  await until('what it had is closed', () => told('closed').length === 5);
  await until('it is left out', async () => (await c.ask<string[]>('nodes')).length === 2);
  a.child.kill('SIGCONT');
  expect((await waiting[0]).filter((status) => status === 200)).toEqual([]);
  await waiting[1];
  await until('it has joined anew', async () => (await c.ask<string[]>('nodes')).includes(a.name));
  await until('it admits again', async () => (await a.play(viewer('bob', 1))) === 200);
  for (const each of [...known, ...newcomers]) expect(await a.play(each)).toBe(403);
  await playAll(a, welcome);
  await nodes.settled(10, [aside], true);
  const rows = await c.ask<Row[]>('list');
  expect(new Set(rows.flatMap((row) => row.nodes))).toEqual(new Set([a.name]));
});
