import { soon, stays, until } from '../../../test/support/until.js';
import { concurrencyPolicy } from '@stream-sessions/policies';
import { BUCKETS, joinCluster, type ClusterDirectory, type ClusterLink, type Step } from '../src/index.js';
import { SHARDS } from '../src/visits/fields.js';
import { LATEST, visitsKey } from '../src/visits/visit-steps.js';
import { ask, hit, play, SILENT, visitsIn, type Node, type Nodes } from './support/nodes.js';
import { LINKS, nodesOver, oneRedis } from './support/one-redis.js';

const redis = oneRedis();
const LIVE = { status: 'active' } as const;
const viewer = (n: number) => ({ token: `token ${n}`, ip: `203.0.113.${n}` });
const VIEWERS = 20;
const viewers = Array.from({ length: VIEWERS }, (_, n) => viewer(n));

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

  it('stays in the cluster that it has joined since when the first directory leaves again', async () => {
    const { tracker, directory, link } = await nodes.add();
    const join = () => joinCluster(tracker, { via: link, logger: SILENT, leaseMs: 2_000 });
    await Promise.all([directory.leave(), directory.leave()]);
    const again = await join();
    await directory.leave();
    await expect(join()).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    await again.leave();
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
    await until('all ends are reported', () => visitsIn(nodes.closed) === VIEWERS);
    expect(new Set(nodes.closed.map(({ closeReason }) => closeReason))).toEqual(new Set(['lost']));
    await until('nobody is counted', async () => (await b.directory.count(LIVE)) === 0);
    await until('nothing is left', async () => (await fields(b)).length === 0);
  });

  it.each<[string, (node: Node) => unknown]>([
    ['kicked', ({ tracker }) => tracker.kickAll({ kind: 'viewer' })],
    ['opened by trackHttp()', ({ tracker }) => viewers.forEach((each) => void tracker.trackHttp(hit(each)))],
  ])('leaves nobody behind who was %s right before', async (_what, act) => {
    const [a, b] = [await nodes.add(), await nodes.add()];
    await nodes.allSeen();
    for (const each of viewers) await play(a, each);
    await nodes.tellsOpened(VIEWERS);
    act(a);
    await a.directory.leave();
    await until('nobody is counted', async () => (await b.directory.count(LIVE)) === 0);
    await stays('nobody comes back', async () => (await b.directory.count(LIVE)) === 0, 300);
    expect((await fields(b)).filter((each) => !each.startsWith(LATEST))).toEqual([]);
    await until('all ends are reported', () => visitsIn(nodes.closed) === visitsIn(nodes.opened));
  });

  it('is not waited for by others', async () => {
    const [a, b] = [await nodes.add({}, { leaseMs: 30_000 }), await nodes.add({}, { leaseMs: 30_000 })];
    await nodes.allSeen();
    await a.directory.leave();
    await soon('it is not listed', 1_000, () => b.directory.nodes().length === 1);
    expect(await b.directory.list()).toMatchObject({ partial: false });
    expect(await b.directory.kick('nobody')).toBe(false);
  });

  it('lets those in who were kept out for its viewers', async () => {
    const both: ClusterDirectory[] = [];
    const policies = [
      concurrencyPolicy({ per: 'stream', max: 2, onExceed: 'replace-oldest', shared: () => both[both.length - 1] }),
    ];
    const [a, b] = [await nodes.add({ policies }), await nodes.add({ policies })];
    both.push(b.directory);
    await nodes.allSeen();
    for (const n of [1, 2]) await play(b, viewer(n));
    both.push(a.directory);
    await play(a, viewer(3));
    await until('the first has gone', () => b.tracker.stats().active === 1);
    expect((await ask(b, viewer(1))).admitted).toBe(false);
    await a.directory.leave();
    both.push(b.directory);
    await until('there is room again', async () => (await ask(b, viewer(1))).admitted);
  });

  it('limits by itself from then on', async () => {
    let shared: ClusterDirectory | undefined = undefined;
    const policies = [concurrencyPolicy({ per: 'stream', max: 1, shared: () => shared })];
    const a = await nodes.add({ policies }, { whenAlone: 'refuse' });
    shared = a.directory;
    await a.directory.leave();
    expect((await ask(a, viewer(1))).admitted).toBe(true);
    expect(await ask(a, viewer(2))).toMatchObject({ admitted: false, denial: { kind: 'limit' } });
  });

  it('gives back a visit whose answer comes only while it leaves', async () => {
    let answer: (() => void) | undefined;
    const late = (link: ClusterLink): ClusterLink => ({
      run: async (step, ...rest) => {
        const reply = await link.run(step, ...rest);
        if (step.name !== 'visits' || answer !== undefined) return reply;
        await new Promise<void>((resolve) => (answer = resolve));
        return reply;
      },
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    });
    const [a, b] = [await nodes.add({}, {}, late), await nodes.add()];
    const asking = ask(a, viewer(1));
    await until('its answer is here', () => answer !== undefined);
    expect(await fields(b)).not.toEqual([]);
    const leaving = a.directory.leave();
    answer?.();
    await Promise.all([asking, leaving]);
    await until('nothing is left', async () => (await fields(b)).length === 0);
    await stays('nobody hears', () => nodes.opened.length + nodes.closed.length === 0, 100);
  });
});
