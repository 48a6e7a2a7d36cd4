import { stays, until } from '../../../test/support/until.js';
import { connect } from '../../../test/support/redis-clients.js';
import { joinCluster } from '../src/index.js';
import { ask, hit, type Nodes, play, SILENT, type Node } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
const redis = oneRedis();
nodesOn(redis, (made) => (nodes = made));

const two = async (options = {}): Promise<[Node, Node]> => {
  const all: [Node, Node] = [await nodes.add(options), await nodes.add(options)];
  await nodes.allSeen();
  return all;
};
const three = async (options = {}): Promise<[Node, Node, Node]> => {
  const all: [Node, Node, Node] = [await nodes.add(options), await nodes.add(options), await nodes.add(options)];
  await nodes.allSeen();
  return all;
};
const rows = async ({ directory }: Node) => [...(await directory.list({ status: 'active' }))];

describe('a viewer whose requests come to any of three nodes', () => {
  it.each<[string, (i: number) => object]>([
    ['with nothing but an address and a player', () => ({})],
    ['with a token on every request', () => ({ token: 'a' })],
    ['with its token on playlists only', (i) => (i % 2 === 0 ? { token: 'a' } : {})],
    ['with a CMCD session id from its second request on', (i) => (i === 0 ? {} : { sid: 'a' })],
    ['with its token and a session id by turns', (i) => (i % 2 === 0 ? { token: 'a', sid: 'b' } : { sid: 'b' })],
  ])('%s, is one row with one id', async (_, names) => {
    const all = await three();
    for (let i = 0; i < 12; i++) await play(all[(i * 7) % 3] as Node, names(i));
    const [a, b] = all;
    await until('the bytes of all are there', async () => (await rows(a))[0]?.bytes === 1_200);
    expect(await rows(b)).toMatchObject([{ bytes: 1_200, nodes: ['node-1', 'node-2', 'node-3'], stream: 'cam1' }]);
    const ids = all.flatMap(({ tracker }) => tracker.list().map(({ id, openedAt }) => `${id} ${openedAt}`));
    expect([new Set(ids).size, ids.length]).toEqual([1, 3]);
    await until('it is counted', async () => (await a.directory.count({ status: 'active', stream: 'cam1' })) === 1);
    await nodes.tellsOpened(1);
  });

  it('is told apart from its neighbours with the same player', async () => {
    const all = await three();
    for (let i = 0; i < 9; i++) {
      for (const token of ['a', 'b', 'c']) await play(all[(i + token.charCodeAt(0)) % 3] as Node, { token });
    }
    await until('all are there', async () => (await rows(all[0])).length === 3);
    expect((await rows(all[1])).map(({ bytes }) => bytes)).toEqual([900, 900, 900]);
    await nodes.tellsOpened(3);
  });

  it('is one row, even if all its first requests come at once', async () => {
    const all = await three();
    await Promise.all(Array.from({ length: 30 }, (_, i) => play(all[i % 3] as Node, { sid: 'a' })));
    await until('all is reported', async () => (await rows(all[0]))[0]?.bytes === 3_000);
    expect(await rows(all[2])).toHaveLength(1);
    await nodes.tellsOpened(1);
  });

  it('is one row if nodes only record what they have answered', async () => {
    const all = await three();
    for (let i = 0; i < 6; i++) {
      (all[i % 3] as Node).tracker.trackHttp(hit({ sid: 'a', bytes: 10 }));
      if (i < 3) await until('it is known', async () => (await rows(all[0]))[0]?.nodes.length === i + 1);
    }
    expect(await rows(all[1])).toMatchObject([{ bytes: 60 }]);
    await nodes.tellsOpened(1);
  });
});

it('the cluster keeps a bounded record of a client that makes up names', async () => {
  const [a, b] = await two();
  for (let i = 0; i < 80; i++)
    await play(i % 2 === 0 ? a : b, { token: 't', sid: `made up ${i}`, userAgent: `agent ${i}` });
  await until('all is reported', async () => (await rows(a))[0]?.bytes === 8_000);
  await stays('it is one', async () => (await rows(a)).length === 1, 100);
  const records = await nodes.records();
  expect(records).toHaveLength(1);
  expect(records[0]?.length).toBeLessThan(1_000);
  expect(records[0]).not.toMatch(/made up|agent|203\.0\.113/);
});

describe('the end of a visit', () => {
  it('comes with the end of its last part, at its last activity, with the bytes of all parts', async () => {
    const [a, b] = await two({ idleTimeoutMs: 1_500 });
    const { openedAt, id } = await play(a, { sid: 's' }, 100);
    await play(b, { sid: 's' }, 200);
    await until(
      'one has let go',
      () => a.tracker.count({ status: 'active' }) + b.tracker.count({ status: 'active' }) < 2,
    );
    await until('it is over', () => nodes.closed.length > 0);
    expect(nodes.closed).toMatchObject([{ id, openedAt, bytes: 300, closeReason: 'idle' }]);
    expect([...(await a.directory.list({ status: 'closed' }))]).toMatchObject([{ id, bytes: 300 }]);
    await until('nobody is counted', async () => (await b.directory.count({ status: 'active' })) === 0);
    await stays('it is told once', () => nodes.closed.length === 1, 200);
  });

  it('does not come while another node still serves it', async () => {
    const [a, b] = await two({ idleTimeoutMs: 1_000 });
    await play(a, { sid: 's' });
    await until('the first has let go', async () => {
      await play(b, { sid: 's' });
      return a.tracker.count({ status: 'active' }) === 0;
    });
    expect(nodes.closed).toEqual([]);
    const [row] = await rows(a);
    expect(row).toMatchObject({ nodes: ['node-2'] });
    await until('it is counted', async () => (await b.directory.stats()).handoversTotal === 1);
    expect(a.tracker.stats().handoversTotal).toBe(1);
    // and it comes back
    expect(await play(a, { sid: 's' })).toMatchObject({ id: row?.id, openedAt: row?.openedAt });
    await nodes.tellsOpened(1);
  });

  it('follows a kick by any node on all nodes, and the viewer stays out', async () => {
    const [a, b, c] = await three();
    await play(a, { token: 't' });
    const { id } = await play(b, { token: 't' });
    await play(b, { token: 'neighbour', userAgent: 'other' });
    expect(await c.directory.kick(id)).toEqual({ nodes: ['node-1', 'node-2'], pending: [] });
    for (const { tracker } of [a, b]) expect(tracker.list({ status: 'active' }).map((row) => row.id)).not.toContain(id);
    for (const node of [a, b, c]) expect((await ask(node, { token: 't' })).admitted).toBe(false);
    for (const node of [a, b, c]) await play(node, { token: 'neighbour', userAgent: 'other' });
    await until('it is reported', () => nodes.closed.length > 0);
    expect(nodes.closed).toMatchObject([{ id, closeReason: 'kicked', bytes: 200 }]);
    expect(await a.directory.kick(id)).toBe(false);
    expect(await a.directory.list({ status: 'active' })).toHaveLength(1);
  });

  it('comes after the crash of its only node, but not if another node has a part', async () => {
    const [a, b] = await two();
    await play(a, { sid: 'of a' });
    await play(a, { sid: 'of both' });
    await play(b, { sid: 'of both' });
    await until('both are there', async () => (await b.directory.count({ status: 'active' })) === 2);
    await a.crash();
    await until('the dead is forgotten', async () => (await b.directory.count({ status: 'active' })) === 1);
    expect(await rows(b)).toMatchObject([{ nodes: ['node-2'] }]);
    expect(b.directory.nodes().map(({ name }) => name)).toEqual(['node-2']);
  });

  it('does not come when a node leaves properly: other nodes continue the visit', async () => {
    const [a, b] = await two();
    const { id } = await play(a, { sid: 's' }, 10);
    await play(b, { sid: 's' }, 20);
    await a.directory.leave();
    await until('one holds it', async () => (await rows(b))[0]?.nodes.join() === 'node-2');
    expect(await rows(b)).toMatchObject([{ id, bytes: 30 }]);
  });
});

describe('an operator’s denial', () => {
  it('applies on all nodes as soon as it is made, and no longer once it is lifted', async () => {
    const [a, b, c] = await three();
    await play(b, { token: 'bad' });
    const denial = await a.directory.deny({ token: 'bad' }, { forMs: 60_000 });
    expect(b.tracker.count({ status: 'active' })).toBe(0);
    for (const node of [a, b, c])
      expect(await ask(node, { token: 'bad' })).toMatchObject({ denial: { id: denial.id } });
    expect(await c.directory.denials()).toMatchObject([{ id: denial.id, hits: 3 }]);
    expect(await c.directory.liftDenial(denial.id)).toBe(true);
    for (const node of [a, b, c]) await play(node, { token: 'bad' });
  });

  it('refuses credentials issued to a user so far on all nodes, and accepts a new login', async () => {
    const policy = {
      name: 'login',
      stage: 'authorise' as const,
      admit: ({ token = '' }: { token?: string | undefined }) => ({
        allow: true as const,
        userId: 'ann',
        issuedAt: Number(token),
      }),
    };
    const all = await three({ policies: [policy] });
    const now = Date.now();
    const [old, later] = [String(now - 60_000), String(now + 60_000)];
    const [a, b, c] = all;
    for (const node of all) await play(node, { token: old });
    await play(b, { token: old, stream: 'cam2' });
    await play(c, { token: later, stream: 'cam2' });
    const [row] = (await rows(a)).filter(({ stream }) => stream === 'cam1');
    expect(await c.directory.kick(row?.id ?? '', { revoke: true })).toMatchObject({ pending: [] });
    for (const node of all) expect((await ask(node, { token: old })).admitted).toBe(false);
    await until('the other one of the user is gone, the new one is not', async () => {
      const left = (await rows(a)).map(({ stream, nodes }) => `${stream} ${nodes.join()}`);
      return left.join() === 'cam2 node-3';
    });
    for (const node of all) await play(node, { token: later });
    await a.directory.deny({ user: 'ann', issuedBefore: now + 120_000 });
    for (const node of all) expect((await ask(node, { token: later })).admitted).toBe(false);
  });

  it('is known to a node that joins before that node admits anyone', async () => {
    const a = await nodes.add();
    await a.directory.deny({ user: 'x' });
    await a.directory.deny({ ip: '198.51.100.1' });
    const b = await nodes.add();
    expect(b.tracker.denials()).toHaveLength(2);
    expect((await ask(b, { ip: '198.51.100.1' })).admitted).toBe(false);
  });
});

describe('the list over all nodes', () => {
  it('has pages in one order for the whole cluster', async () => {
    const [a, b, c] = await three();
    const all = [a, b, c];
    for (let i = 0; i < 30; i++) await play(all[i % 3] as Node, { sid: `s${i % 15}` });
    await until('all are there', async () => (await rows(a)).length === 15);
    const ids: string[] = [];
    const { cursorOf } = await import('@stream-sessions/core');
    for (let after: string | undefined; ;) {
      const page = await b.directory.list({ status: 'active', limit: 4, ...(after && { after }) });
      if (page.length === 0) break;
      ids.push(...page.map(({ id }) => id));
      after = cursorOf(page[page.length - 1]!);
    }
    expect(new Set(ids).size).toBe(15);
    expect(ids).toHaveLength(15);
    await expect(a.directory.list({ limit: 1_001 })).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    expect(await c.directory.count({ status: 'active', ip: '203.0.113.7' })).toBe(15);
    await until('all are counted', async () => (await c.directory.count({ status: 'active' })) === 15);
    expect(await c.directory.streams()).toMatchObject([{ stream: 'cam1', viewers: 15 }]);
    expect((await c.directory.stats()).viewers).toBe(15);
  });
});

describe('joining', () => {
  it('requires a tracker with a fingerprint key of its own, configured like the others', async () => {
    await nodes.add();
    await expect(nodes.add({ fingerprintKey: undefined as never })).rejects.toMatchObject({ code: 'ERR_CLUSTER_KEY' });
    await expect(nodes.add({ fingerprintKey: 'another' })).rejects.toMatchObject({
      code: 'ERR_CLUSTER_CONFIG',
      message: expect.stringContaining('fingerprintKey'),
    });
    await expect(nodes.add({ identity: { aliases: 'admit' } })).rejects.toMatchObject({
      code: 'ERR_CLUSTER_CONFIG',
      message: expect.stringContaining('identity.aliases'),
    });
  });

  it('requires a version that keeps the same records', async () => {
    await nodes.add({}, { leaseMs: 30_000 });
    const { ask } = await connect('redis', redis.port);
    const [key = ''] = await nodes.keys('config');
    const config = JSON.parse((await ask('GET', key)) as string) as object;
    await ask('SET', key, JSON.stringify({ ...config, format: '0' }), 'PX', '86400000');
    await expect(nodes.add()).rejects.toMatchObject({
      code: 'ERR_CLUSTER_CONFIG',
      message: expect.stringContaining('a version of @stream-sessions/cluster'),
    });
  });

  it('takes a tracker once, until it has left', async () => {
    const { tracker, directory, link } = await nodes.add();
    const again = () => joinCluster(tracker, { via: link, logger: SILENT });
    await expect(again()).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    await directory.leave();
    await (await again()).leave();
  });

  it('keeps a node from changing how it recognises viewers', async () => {
    const { tracker, directory } = await nodes.add();
    const { id } = tracker.trackHttp(hit({ token: 't' })) ?? {};
    for (const [patch, option] of [
      [{ identity: { ipv6PrefixLength: 48 } }, 'identity.ipv6PrefixLength'],
      [{ identity: { aliases: false } }, 'identity.aliases'],
      [{ idleTimeoutMs: 5_000, maxSessionsPerIp: 1 }, 'idleTimeoutMs'],
    ] as const) {
      const refused = { code: 'ERR_CLUSTER_CONFIG', message: expect.stringContaining(`"${option}"`) };
      expect(() => tracker.updateConfig(patch)).toThrow(expect.objectContaining(refused));
    }
    expect(tracker.trackHttp(hit({ token: 'another', userAgent: 'another' }))).not.toBeNull();
    expect(tracker.trackHttp(hit({ token: 't' }))).toMatchObject({ id });
    tracker.updateConfig({ updateIntervalMs: 10, identity: {} });
    await directory.leave();
    tracker.updateConfig({ idleTimeoutMs: 5_000 });
  });
});
