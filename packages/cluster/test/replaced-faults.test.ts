import { systemClock } from '@stream-sessions/core/spi';
import { connect } from '../../../test/support/redis-clients.js';
import { until } from '../../../test/support/until.js';
import { ReplacedCheck } from '../src/operator/replaced-check.js';
import { faultyLink, type FaultyLink } from './support/faulty-link.js';
import { limitedNode, slotsAreGivenOut } from './support/limits.js';
import { Cluster } from './support/members.js';
import { ask, play, type Node, type Nodes } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));

const phone = { token: 'eve-phone', ip: '192.0.2.1', userAgent: 'phone' };
const tv = { token: 'eve-tv', ip: '192.0.2.2', userAgent: 'tv' };

/** Nodes on which a user may watch once: the last one takes the place of the one before. */
async function taking(count: number): Promise<{ all: Node[]; links: FaultyLink[] }> {
  const all: Node[] = [];
  const links: FaultyLink[] = [];
  for (let n = 0; n < count; n++) {
    const wrap = (link: Parameters<typeof faultyLink>[0]) => (links[n] = faultyLink(link));
    all.push(await limitedNode(nodes, { max: 1, onExceed: 'replace-oldest', wrap }));
  }
  await nodes.allSeen();
  await slotsAreGivenOut(nodes, redis.port);
  return { all, links };
}

const isOut = async (node: Node): Promise<boolean> => !(await ask(node, phone)).admitted;

it('a replaced visit ends a little later if the log could not be written', async () => {
  const { all, links } = await taking(2);
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  await until('it is there', async () => (await b.directory.list()).length === 1);
  links[1]?.lose('append', 'question');
  await play(b, tv);
  expect(a.tracker.list({ status: 'active' })).toHaveLength(1);
  await until('it is said again', () => nodes.closed.length === 1);
  expect(nodes.closed).toMatchObject([{ userAgent: 'phone', closeReason: 'replaced' }]);
  for (const node of all) await until('it is out', () => isOut(node));
});

it('a replacement is known to a node that joins afterwards, and when Redis has come back empty', async () => {
  const { all } = await taking(2);
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  await play(b, tv);
  await until('it is over', () => nodes.closed.length === 1);
  const late = await limitedNode(nodes, { max: 1, onExceed: 'replace-oldest' });
  expect(await isOut(late)).toBe(true);
  const aside = await connect('redis', redis.port);
  await aside.ask('FLUSHALL');
  await until('it is in the table again', async () => (await nodes.keys('log-table-*')).length > 0);
  const later = await limitedNode(nodes, { max: 1, onExceed: 'replace-oldest' });
  await until('it is known', () => later.tracker.denials().some(({ reason }) => reason === 'replaced'));
});

it('a replaced viewer is admitted again when the node with its replacement has died', async () => {
  const { all } = await taking(3);
  const [a, b, c] = all as [Node, Node, Node];
  await play(a, phone);
  await play(b, tv);
  await until('it is out', () => isOut(c));
  await b.crash();
  for (const node of [a, c]) await until('it may come back', async () => !(await isOut(node)));
});

it('a visit that keeps others out has ended when no node has it at two checks in a row', async () => {
  const cluster = new Cluster(redis.port);
  const ended: string[] = [];
  const on = async (name: string, live: Set<string>): Promise<ReplacedCheck> => {
    const made = await cluster.member(name);
    const replaced = { visits: ['here', 'there', 'nowhere'], ended: (id: string) => void ended.push(`${name} ${id}`) };
    const part = (id: string) => (live.has(id) ? ({ id } as never) : undefined);
    const check = new ReplacedCheck(made.member, replaced, { part }, systemClock);
    await made.member.join();
    return check;
  };
  const there = new Set(['there']);
  const checks = [await on('a', new Set(['here'])), await on('b', there)];
  for (const { member } of cluster.all) {
    await until('both are seen', () => member.membership.nodes.living().length === 2);
  }
  const look = () => Promise.all(checks.map((check) => check.look()));
  await look();
  expect(ended).toEqual([]);
  await look();
  // one of them looks
  expect(ended).toEqual([expect.stringMatching(/^[ab] nowhere$/)]);
  there.clear();
  await look();
  there.add('there');
  await look();
  expect(ended.filter((each) => !each.endsWith('nowhere'))).toEqual([]);
  for (const check of checks) check.stop();
  await cluster.end();
});
