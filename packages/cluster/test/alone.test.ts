import { joinCluster, type ClusterLink } from '../src/index.js';
import { stays, until } from '../../../test/support/until.js';
import { endFeeds, serveApi } from './support/curl-feed.js';
import { ask, play, type Node, type Nodes } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
let nodes: Nodes;
nodesOn(redis, (given) => (nodes = given));

const two = async (): Promise<[Node, Node]> => {
  const both: [Node, Node] = [await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  return both;
};

/** Whatever nobody has caught: it would end the process of a user. */
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  process.off('unhandledRejection', note);
  await endFeeds();
});

const QUESTIONS: [string, (node: Node) => unknown][] = [
  ['streams', ({ directory }) => directory.streams()],
  ['stats', ({ directory }) => directory.stats()],
  ['list', ({ directory }) => directory.list()],
  ['count', ({ directory }) => directory.count({ user: 'somebody' })],
  ['get', ({ directory }) => directory.get('an id')],
  ['denials', ({ directory }) => directory.denials()],
  ['explain', ({ directory }) => directory.explain('an id')],
  ['invalidate', ({ directory }) => directory.invalidate()],
];

describe('a node that can reach nobody', () => {
  it('rejects every question, and nothing goes uncaught', async () => {
    const [a] = await two();
    // its counts are read again each second while somebody asks for them
    await a.directory.streams();
    await redis.kill();
    await until('its lease has ended', () => a.directory.nodes().length === 0, 15_000);
    for (const [, question] of QUESTIONS) await expect(Promise.resolve(question(a))).rejects.toThrow();
    await until(
      'the counts have been read in vain',
      () => Promise.resolve(a.directory.streams()).catch(() => true),
      3_000,
    );
    await redis.restart();
    await until('it is back', () => a.directory.nodes().length === 2, 15_000);
    expect(uncaught).toEqual([]);
  });

  it('rejects every question after it has left', async () => {
    const [a] = await two();
    await a.directory.streams();
    await a.directory.leave();
    for (const [, question] of QUESTIONS) await expect(Promise.resolve(question(a))).rejects.toThrow();
    await stays('nothing goes uncaught', () => uncaught.length === 0, 100);
  });

  it('names those that have not heard of its kick, nor of its denial, and they do when they can', async () => {
    const [a, b] = await two();
    const { id } = await play(a, { token: 'kicked' });
    await play(b, { token: 'kicked' });
    await play(b, { token: 'denied' });
    await redis.kill();
    await until('the leases have ended', () => a.directory.nodes().length === 0, 15_000);
    expect(await a.directory.kick(id)).toEqual({ nodes: ['node-1'], pending: ['node-2'] });
    expect(await a.directory.deny({ token: 'denied' })).toMatchObject({ by: 'deny', pending: ['node-2'] });
    for (const token of ['kicked', 'denied']) expect((await ask(b, { token })).admitted).toBe(true);
    await redis.restart();
    await until('both are known there', () => b.tracker.denials().length === 2, 15_000);
    for (const token of ['kicked', 'denied']) expect((await ask(b, { token })).admitted).toBe(false);
    expect(await a.directory.deny({ token: 'another' })).toMatchObject({ pending: [] });
  });
});

it('the REST API answers 202 where other nodes have not heard of a denial or a kick, and names them', async () => {
  const [a, b] = await two();
  const { id } = await play(a, { token: 'kicked' });
  const url = await serveApi(a);
  const deny = async (ip: string): Promise<[number, unknown]> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/denials`, { method: 'POST', headers, body: JSON.stringify({ ip }) });
    return [answer.status, ((await answer.json()) as { pending?: unknown }).pending];
  };
  expect(await deny('192.0.2.1')).toEqual([201, undefined]);
  // it lives, but says nothing
  await b.link.close();
  expect(await deny('192.0.2.2')).toEqual([202, ['node-2']]);
  const kicked = await fetch(`${url}/sessions/${id}`, { method: 'DELETE' });
  expect([kicked.status, await kicked.json()]).toEqual([202, { nodes: ['node-1'], pending: ['node-2'] }]);
});

it('a node without a lease in one of the buckets says that it is alone', async () => {
  let isAway = false;
  const partly = (link: ClusterLink): ClusterLink => ({
    run: (step, bucket, ...rest) =>
      isAway && bucket === 7 ? Promise.reject(new Error('this server is away')) : link.run(step, bucket, ...rest),
    follow: (...all) => link.follow(...all),
    close: () => link.close(),
  });
  const { directory } = await nodes.add({}, {}, partly);
  expect(directory.health.isAlone).toBe(false);
  isAway = true;
  await until('it lacks one', () => directory.health.isAlone, 10_000);
  isAway = false;
  await until('it has it again', () => !directory.health.isAlone, 10_000);
});

it('a tracker that has been stopped cannot join', async () => {
  const { tracker, directory } = await nodes.add();
  await directory.leave();
  await tracker.stop();
  const link = { run: jest.fn(), follow: jest.fn(), close: jest.fn() };
  await expect(joinCluster(tracker, { via: link })).rejects.toMatchObject({
    code: 'ERR_BAD_OPTION',
    message: expect.stringContaining('has not been stopped'),
  });
});
