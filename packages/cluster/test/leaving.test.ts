import { stays, until } from '../../../test/support/until.js';
import { BUCKETS, type ClusterLink, type Step } from '../src/index.js';
import { SHARDS } from '../src/visits/fields.js';
import { LATEST, visitsKey } from '../src/visits/visit-steps.js';
import { ask, play, type Node, type Nodes } from './support/nodes.js';
import { LINKS, nodesOver, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
const LIVE = { status: 'active' } as const;
const viewer = (n: number) => ({ token: `token ${n}`, ip: `203.0.113.${n}` });
const VIEWERS = 20;

const READ_ALL: Step = { name: 'read-all', lua: `return redis.call('HGETALL', KEYS[1])` };

describe.each(LINKS)('over %s, a node that leaves', (over) => {
  let nodes: Nodes;
  nodesOver(over, redis, (made) => (nodes = made));

  /** All fields of the hashes of visits. */
  async function fields({ link }: Node): Promise<string[]> {
    const hashes = Array.from({ length: BUCKETS * SHARDS }, (_, n) =>
      link.run(READ_ALL, n % BUCKETS, [visitsKey(Math.floor(n / BUCKETS))], []),
    );
    return (await Promise.all(hashes)).flatMap((hash) => (hash as string[]).filter((_, i) => i % 2 === 0));
  }

  const nodesIn = (all: readonly string[]): number => new Set(all.filter((each) => each.startsWith(LATEST))).size;

  it('leaves no number of its latest step', async () => {
    const [a, b] = [await nodes.add(), await nodes.add()];
    for (const node of [a, b]) for (let n = 0; n < VIEWERS; n++) await play(node, viewer(n));
    expect(nodesIn(await fields(b))).toBe(2);
    await a.directory.leave();
    expect(nodesIn(await fields(b))).toBe(1);
    expect(await b.directory.list(LIVE)).toHaveLength(VIEWERS);
  });

  it('is swept up after by others if it could not release its visits', async () => {
    let isBroken = false;
    const breaking = (link: ClusterLink): ClusterLink => ({
      run: (step, ...rest) =>
        isBroken && step.name === 'visits' ? Promise.reject(new Error('no answer')) : link.run(step, ...rest),
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    });
    const [a, b] = [await nodes.add({}, {}, breaking), await nodes.add()];
    await nodes.allSeen();
    for (let n = 0; n < VIEWERS; n++) await play(a, viewer(n));
    await nodes.tellsOpened(VIEWERS);
    isBroken = true;
    await a.directory.leave();
    await until('all ends are reported', () => nodes.closed.length === VIEWERS, 10_000);
    expect(new Set(nodes.closed.map(({ closeReason }) => closeReason))).toEqual(new Set(['lost']));
    await until('nobody is counted', async () => (await b.directory.count(LIVE)) === 0);
    await until('nothing is left', async () => (await fields(b)).length === 0);
  });

  it('gives back a visit whose answer comes only while it leaves', async () => {
    let answer: () => void = () => undefined;
    let isAsked = false;
    const late = (link: ClusterLink): ClusterLink => ({
      run: async (step, ...rest) => {
        const reply = await link.run(step, ...rest);
        if (step.name !== 'visits' || isAsked) return reply;
        isAsked = true;
        await new Promise<void>((resolve) => (answer = resolve));
        return reply;
      },
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    });
    const [a, b] = [await nodes.add({}, {}, late), await nodes.add()];
    const asking = ask(a, viewer(1));
    await until('it has begun', async () => (await fields(b)).length > 0);
    const leaving = a.directory.leave();
    answer();
    await Promise.all([asking, leaving]);
    await until('nothing is left', async () => (await fields(b)).length === 0);
    await stays('nobody hears', () => nodes.opened.length + nodes.closed.length === 0, 100);
  });
});
