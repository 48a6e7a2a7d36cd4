import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '@stream-sessions/core';
import { stays, until } from '../../../test/support/until.js';
import { limitedNode, slotsAreGivenOut, type LimitedOptions } from './support/limits.js';
import { ask, Nodes, play, visitsIn, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
let folder: string;
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hub-'));
});
afterEach(async () => {
  await nodes.end();
  rmSync(folder, { recursive: true });
});

const LIVE = { status: 'active' } as const;
const phone = { token: 'eve-phone', ip: '192.0.2.1', userAgent: 'phone' };
const tv = { token: 'eve-tv', ip: '192.0.2.2', userAgent: 'tv' };
const laptop = { token: 'eve-laptop', ip: '192.0.2.3', userAgent: 'laptop' };

/** Nodes on which a user may watch twice, where one more takes somebody's place. */
async function replacing(count: number, options: LimitedOptions = {}, isRedis = true): Promise<Node[]> {
  const all: Node[] = [];
  for (let n = 0; n < count; n++) all.push(await limitedNode(nodes, { onExceed: 'replace-oldest', ...options }));
  await nodes.allSeen();
  await slotsAreGivenOut(nodes, isRedis ? redis.port : undefined);
  return all;
}

const liveOn = (all: readonly Node[]): string[] => [
  ...new Set(all.flatMap(({ tracker }) => tracker.list(LIVE).map(({ userAgent = '' }) => userAgent))),
];

async function isOut(all: readonly Node[], device: typeof phone): Promise<void> {
  for (const node of all) {
    // by the limit, until this node has heard that another one has made the denial
    await until('it is refused as replaced', async () => {
      const admission = await ask(node, device);
      expect(admission).toMatchObject({ admitted: false, denial: { kind: 'limit' } });
      return !admission.admitted && admission.denial.reason === 'replaced';
    });
  }
}

describe.each(['Redis', 'a hub among workers'])('over %s, a limit that replaces sessions', (name) => {
  const isRedis = name === 'Redis';
  beforeEach(() => {
    if (!isRedis) nodes = new Nodes(folder);
  });

  it('ends the oldest on all nodes, and keeps it out as long as its replacement lasts', async () => {
    const all = await replacing(3, {}, isRedis);
    const [a, b, c] = all as [Node, Node, Node];
    const { id } = await play(a, phone, 10);
    await play(b, phone, 20);
    await play(b, tv);
    const taking = await play(c, laptop);
    await until('it is reported', () => nodes.closed.length > 0);
    expect(nodes.closed).toMatchObject([{ id, closeReason: 'replaced', bytes: 30 }]);
    await until('it is over', () => liveOn(all).sort().join() === 'laptop,tv');
    await isOut(all, phone);
    // its visit goes on when the part is let go of that took the place
    await play(a, laptop);
    await c.directory.leave();
    await isOut([a, b], phone);
    expect(await a.directory.kick(taking.id, { denyForMs: 0 })).toBeTruthy();
    for (const node of [a, b]) await until('it may come back', async () => (await ask(node, phone)).admitted);
    expect(await b.directory.denials()).toEqual([]);
  });

  it('leaves exactly the maximum, however many replace each other on all nodes at once', async () => {
    const all = await replacing(3, {}, isRedis);
    const asked = Array.from({ length: 90 }, (_, n) =>
      ask(all[n % 3] as Node, { token: `eve-${n}`, ip: `192.0.2.${n}`, userAgent: `device ${n}` }),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter(({ admitted }) => admitted).length).toBeGreaterThan(2);
    await until('two are left', () => liveOn(all).length === 2);
    await stays('two are left', () => liveOn(all).length === 2, 300);
    const { directory } = all[0] as Node;
    // it does not know while it has no lease
    await until('it is counted', async () => (await directory.count(LIVE).catch(() => undefined)) === 2);
    await until('all others are reported', () => visitsIn(nodes.closed) === visitsIn(nodes.opened) - 2);
    // a process that is too busy to renew its lease loses what it has
    const reasons = nodes.closed.map(({ closeReason }) => closeReason).filter((reason) => reason !== 'lost');
    expect(new Set(reasons)).toEqual(new Set(['replaced']));
  });

  it.each([
    ['oldest', phone, 'laptop,tv'],
    ['newest', tv, 'laptop,phone'],
  ] as const)('ends the %s if each node has counted alone, and keeps it out', async (which, out, left) => {
    const all: Node[] = [];
    for (let n = 0; n < 3; n++) all.push(await limitedNode(nodes, { onExceed: `replace-${which}` }));
    const [a, b, c] = all as [Node, Node, Node];
    await nodes.allSeen();
    // nobody knows yet who has slots
    await play(a, phone);
    await play(b, phone);
    await play(b, tv);
    const { id } = await play(c, laptop);
    expect(liveOn(all)).toHaveLength(3);
    await until('one too many has gone', () => nodes.closed.length === 1);
    expect(nodes.closed).toMatchObject([{ userAgent: out.userAgent, closeReason: 'replaced' }]);
    await until('it has gone everywhere', () => liveOn(all).sort().join() === left);
    await isOut(all, out);
    expect(await a.directory.kick(id, { denyForMs: 0 })).toBeTruthy();
    for (const node of all) await until('it may come back', async () => (await ask(node, out)).admitted);
  });
});

it('a limit that replaces the newest goes by its opening time, whichever node it came to', async () => {
  const all = await replacing(2, { onExceed: 'replace-newest' });
  const [a, b] = all as [Node, Node];
  await play(b, phone);
  await play(a, tv);
  await play(b, tv);
  await play(b, laptop);
  await until('the newest has gone', () => liveOn(all).sort().join() === 'laptop,phone');
  await isOut(all, tv);
});

it('a limit ends a quiet visit before it replaces any', async () => {
  const all = await replacing(2, { graceMs: 300 });
  const [a, b] = all as [Node, Node];
  const admission = await ask(a, phone);
  await play(b, tv);
  await until('the other one is quiet', () => b.tracker.list()[0]!.updatedAt < Date.now() - 350);
  await play(b, laptop);
  await until('it has gone', () => nodes.closed.length === 1);
  expect(nodes.closed).toMatchObject([{ userAgent: 'tv', closeReason: 'idle' }]);
  expect(admission).toMatchObject({ admitted: true, handle: { signal: { aborted: false } } });
});

it('a limit ends no visit for a newcomer that a later policy refuses', async () => {
  const refuses: Policy = {
    name: 'later',
    admit: ({ token }) => (token === 'eve-laptop' ? { allow: false, reason: 'forbidden' } : { allow: true }),
  };
  const all = await replacing(2, { later: [refuses] });
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  await play(a, tv);
  expect(await ask(b, laptop)).toMatchObject({ admitted: false, denial: { reason: 'forbidden' } });
  // the place is somebody's again: one more takes it, and not another one with it
  await play(b, { token: 'eve-tablet', ip: '192.0.2.4', userAgent: 'tablet' });
  await until('one has gone', () => liveOn(all).sort().join() === 'tablet,tv');
  await stays('the others stay', () => liveOn(all).length === 2, 200);
});

it('a visit that was replaced while a later policy was pending ends as soon as it opens', async () => {
  const answers: (() => void)[] = [];
  const slow: Policy = {
    name: 'slow',
    admit: ({ token }) =>
      token === 'eve-tv' ? new Promise((resolve) => answers.push(() => resolve({ allow: true }))) : { allow: true },
  };
  const all = await replacing(2, { max: 1, later: [slow] });
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  const asked = ask(a, tv);
  await until('it is being thought about', () => answers.length === 1);
  await play(b, laptop);
  await until('the first has gone', () => liveOn(all).join() === 'laptop');
  answers[0]?.();
  await asked;
  await until('it has gone again', () => nodes.closed.length === 2);
  expect(nodes.closed.map(({ userAgent, closeReason }) => `${userAgent} ${closeReason}`)).toEqual([
    'phone replaced',
    'tv replaced',
  ]);
  expect(liveOn(all)).toEqual(['laptop']);
  for (const device of [phone, tv]) await isOut(all, device);
});

it('a limit ends no visit for a made-up stream until something is served', async () => {
  const all = await replacing(2);
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  await play(a, tv);
  const tries = async (stream: string, status: number): Promise<void> => {
    const admission = await ask(b, { ...laptop, stream, tentative: true });
    if (!admission.admitted) throw new Error('refused');
    await stays('nobody has gone', () => liveOn([a]).length === 2, 100);
    if (status < 400) admission.handle.served();
    admission.handle.end(status < 400 ? 100 : 0);
  };
  await tries('no-such-stream', 404);
  await stays('nobody has gone', () => liveOn([a]).length === 2, 100);
  await tries('cam2', 200);
  await until('the oldest has gone', () => liveOn(all).sort().join() === 'laptop,tv');
  await isOut(all, phone);
});

it('a replaced viewer is admitted again on all nodes when its denial is lifted on one', async () => {
  const all = await replacing(2);
  const [a, b] = all as [Node, Node];
  await play(a, phone);
  await play(b, phone);
  await play(a, tv);
  await play(b, laptop);
  await until('it is reported', () => nodes.closed.length === 1);
  await isOut(all, phone);
  // each node that has seen it has made one: they are one
  const listed = await b.directory.denials();
  expect(listed).toMatchObject([{ reason: 'replaced', by: 'policy', target: { stream: 'cam1' } }]);
  expect(await b.directory.liftDenial(listed[0]?.id ?? '')).toBe(true);
  expect(await a.directory.denials()).toEqual([]);
  await play(a, phone);
  await until('the oldest has gone', () => liveOn(all).sort().join() === 'laptop,phone');
});
