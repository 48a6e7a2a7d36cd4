import type { Policy, TrackerOptions } from '@stream-sessions/core';
import { concurrencyPolicy } from '@stream-sessions/policies';
import { connect } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import type { ClusterDirectory, ClusterLink } from '../src/index.js';
import { counting } from './support/counting-link.js';
import { faultyLink, type FaultyLink } from './support/faulty-link.js';
import { ask, type Nodes, play, type Node, visitsIn } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';
import { growOld } from './support/redis-links.js';
import { NO, slow, YES } from './support/slow-policy.js';

const redis = oneRedis();
let nodes: Nodes;
nodesOn(redis, (given) => (nodes = given));

const active = ({ directory }: Node) => directory.count({ status: 'active' });
const viewer = (n: number) => ({ ip: `203.0.113.${n}`, token: `token ${n}`, sid: `sid ${n}` });

interface CountedNode extends Node {
  /** Steps taken so far, by name. */
  readonly taken: (step: string) => number;
}

async function counted(options: TrackerOptions = {}): Promise<CountedNode> {
  const steps = new Map<string, number>();
  const node = await nodes.add(options, {}, counting(steps));
  return { ...node, taken: (step) => steps.get(step) ?? 0 };
}

describe('the cost of a viewer', () => {
  const VIEWERS = 40;
  /** What was told is forgotten by steps of their own, a few for all buckets. */
  const FORGETS = 16;

  it('is one command to open, none to play, and less than one to leave', async () => {
    // nobody is idle before all have played, however busy the machine is
    const a = await counted({ idleTimeoutMs: 4_000 });
    for (let n = 0; n < VIEWERS; n++) await play(a, viewer(n));
    for (let i = 0; i < 5; i++) for (let n = 0; n < VIEWERS; n++) await play(a, viewer(n));
    const opened = a.taken('visits');
    expect(opened).toBeGreaterThanOrEqual(VIEWERS);
    expect(opened).toBeLessThanOrEqual(VIEWERS + FORGETS);
    await nodes.tellsOpened(VIEWERS);
    await until('all have gone', () => visitsIn(nodes.closed) === VIEWERS);
    expect(a.taken('visits') - opened).toBeLessThan(VIEWERS);
    expect(await active(a)).toBe(0);
  });

  it('is one command on each further node', async () => {
    const [a, b] = [await counted(), await counted()];
    for (let n = 0; n < VIEWERS; n++) await play(a, viewer(n));
    await stays('nothing is pending', () => nodes.opened.length <= VIEWERS, 100);
    const told = a.taken('visits');
    for (let n = 0; n < VIEWERS; n++) await play(b, viewer(n));
    expect(b.taken('visits')).toBeLessThanOrEqual(VIEWERS + FORGETS);
    expect(a.taken('visits')).toBeLessThanOrEqual(told + FORGETS);
    await nodes.tellsOpened(VIEWERS);
  });

  it('is one more command with a limit that all nodes share', async () => {
    const joined: { cluster?: ClusterDirectory } = {};
    const limit = concurrencyPolicy({ max: 1, per: 'token', shared: () => joined.cluster });
    const a = await counted({ policies: [limit] });
    joined.cluster = a.directory;
    await growOld(await connect('redis', redis.port), nodes.prefix);
    for (let n = 0; n < VIEWERS; n++) await play(a, viewer(n));
    expect(a.taken('take-slot')).toBe(VIEWERS);
    expect(a.taken('visits')).toBeLessThanOrEqual(VIEWERS + FORGETS);
  });
});

describe('a newcomer that is refused', () => {
  it('leaves nothing behind, and causes no event', async () => {
    const refuses: Policy = { name: 'no', stage: 'authorise', admit: () => NO };
    const [a, b] = [await nodes.add({ policies: [refuses] }), await nodes.add()];
    for (let n = 0; n < 20; n++) expect((await ask(a, viewer(n))).admitted).toBe(false);
    await until('none is there', async () => (await nodes.records()).length === 0);
    expect(await active(b)).toBe(0);
    await until('nothing is left to report', async () => (await nodes.keys('outbox-*')).length === 0);
    expect([nodes.opened, nodes.closed]).toEqual([[], []]);
  });

  it.each(['before', 'after'])('on one node, %s another has admitted it, is there once', async (when) => {
    const [first, second] = [slow(), slow()];
    const a = await nodes.add({ policies: [first.policy] });
    const b = await nodes.add({ policies: [second.policy] });
    await nodes.allSeen();
    const atA = ask(a, viewer(1));
    await until('a has asked', () => first.asked() === 1);
    const atB = ask(b, viewer(1));
    await until('b has asked', () => second.asked() === 1);
    const refuse = async () => {
      first.says(NO);
      expect((await atA).admitted).toBe(false);
      if (when === 'before') await until('it is passed on', async () => /!/.test((await nodes.records()).join()));
    };
    if (when === 'before') await refuse();
    second.says(YES);
    expect((await atB).admitted).toBe(true);
    if (when === 'after') {
      await refuse();
    }
    await nodes.tellsOpened(1);
    const [row] = await b.directory.list({ status: 'active' });
    expect(row?.nodes).toEqual(['node-2']);
    expect(await a.directory.kick(row?.id ?? '')).toBeTruthy();
    await until('its end is reported', () => nodes.closed.length === 1);
    await stays('once', () => nodes.closed.length === 1 && nodes.opened.length === 1, 200);
  });

  it('on two nodes at once causes no event', async () => {
    const [first, second] = [slow(), slow()];
    const a = await nodes.add({ policies: [first.policy] });
    const b = await nodes.add({ policies: [second.policy] });
    const asked = [ask(a, viewer(1)), ask(b, viewer(1))];
    await until('both have asked', () => first.asked() + second.asked() === 2);
    for (const { says } of [first, second]) says(NO);
    for (const { admitted } of await Promise.all(asked)) expect(admitted).toBe(false);
    await until('none is there', async () => (await nodes.records()).length === 0);
    await stays('nobody hears', () => nodes.opened.length + nodes.closed.length === 0, 300);
  });
});

describe('a question to the cluster whose answer is lost', () => {
  it('has begun a visit that is reported once, and ends', async () => {
    let link: FaultyLink | undefined;
    const a = await nodes.add({ idleTimeoutMs: 1_500 }, {}, (real) => (link = faultyLink(real)));
    const b = await nodes.add({ idleTimeoutMs: 1_500 });
    (link as FaultyLink).lose('visits', 'answer');
    const { id } = await play(a, viewer(1));
    await nodes.tellsOpened(1);
    expect([...(await b.directory.list({ status: 'active' }))]).toMatchObject([{ id, nodes: ['node-1'] }]);
    await until('it has ended', () => nodes.closed.length === 1);
    await stays('once', () => nodes.closed.length === 1 && nodes.opened.length === 1, 200);
    expect(await nodes.records()).toEqual([]);
  });

  it('and that is sent again has begun the visit once', async () => {
    const twice = (link: ClusterLink): ClusterLink => ({
      run: async (step, ...rest) => {
        if (step.name === 'visits') await link.run(step, ...rest);
        return link.run(step, ...rest);
      },
      follow: (...all) => link.follow(...all),
      close: () => link.close(),
    });
    const refuses: Policy = { name: 'no', stage: 'authorise', admit: ({ token }) => (token === 'bad' ? NO : YES) };
    const options = { policies: [refuses], idleTimeoutMs: 1_000 };
    const a = await nodes.add(options, {}, twice);
    const b = await nodes.add(options, {}, twice);
    await play(a, viewer(1));
    await play(b, viewer(1));
    expect((await ask(b, { token: 'bad', ip: '192.0.2.1' })).admitted).toBe(false);
    await until('it has ended', () => nodes.closed.length === 1);
    await stays('once', () => nodes.closed.length === 1 && nodes.opened.length === 1, 200);
    expect(await nodes.records()).toEqual([]);
  });
});

it('a node that leaves gives back the visits that it has asked about', async () => {
  const { policy, asked, says } = slow();
  const a = await nodes.add({ policies: [policy] });
  const b = await nodes.add();
  const asking = ask(a, viewer(1));
  await until('it is asked about', () => asked() === 1);
  await a.directory.leave();
  await until('none is there', async () => (await nodes.records()).length === 0);
  says(YES);
  await asking;
  expect([nodes.opened, await active(b)]).toEqual([[], 0]);
});
