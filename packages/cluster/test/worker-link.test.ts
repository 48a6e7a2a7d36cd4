import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterLinkContract } from '@stream-sessions/cluster/testing';
import { fakeClock, pace } from '@stream-sessions/core/testing';
import { stays, until } from '../../../test/support/until.js';
import { workerLink, type ClusterLink } from '../src/index.js';
import { add, say } from '../src/testing/world.js';
import type { WorkerLink } from '../src/worker/worker-link.js';
import { namesOf, testMember, type TestMember } from './support/members.js';

async function joined(link: ClusterLink, name: string): Promise<TestMember> {
  const made = testMember(link, name);
  await made.member.join();
  return made;
}

const fresh = (): string => mkdtempSync(join(tmpdir(), 'hub-'));

clusterLinkContract({
  name: 'a link between workers',
  start: () => {
    const [path, other] = [fresh(), fresh()];
    const links: WorkerLink[] = [];
    const open = (folder: string): ClusterLink => {
      const link = workerLink({ path: folder, commandTimeoutMs: 5_000 });
      links.push(link as WorkerLink);
      return link;
    };
    // closed links have no hub any more: it is looked at what theirs has at last
    const hubs = () => links.flatMap(({ hub }) => hub ?? []);
    return {
      open: () => open(path),
      openElsewhere: () => open(other),
      interrupt: () => hubs().forEach((hub) => hub.interrupt()),
      withoutExpiry: () => hubs().flatMap((hub) => hub.endless('')),
      stop: () => [path, other].forEach((folder) => rmSync(folder, { recursive: true })),
    };
  },
});

describe('the hub', () => {
  let path: string;
  const links: WorkerLink[] = [];
  const open = (): WorkerLink => {
    const link = workerLink({ path, commandTimeoutMs: 5_000 }) as WorkerLink;
    links.push(link);
    return link;
  };
  beforeEach(() => {
    path = fresh();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    rmSync(path, { recursive: true });
  });
  const hubs = () => links.filter(({ hub }) => hub !== undefined);

  it('is one of the processes that start at the same moment, and after it has ended one of the others', async () => {
    const many = Array.from({ length: 12 }, open);
    for (let round = 0; round < 3; round++) {
      const living = many.filter((link) => links.includes(link));
      await Promise.all(living.map((link) => add(link, 4)));
      expect(hubs()).toHaveLength(1);
      // it starts with nothing, like a Redis that has come back empty
      expect(await add(living.at(-1) as WorkerLink, 4)).toBe(living.length + 1);
      const [hub] = hubs();
      links.splice(links.indexOf(hub as WorkerLink), 1);
      await hub?.close();
    }
  });

  it('leaves all that it has to the next one, unless nobody is a member any more', async () => {
    const everything = {
      name: 'everything',
      lua: `
redis.call('SET', KEYS[1], 'über', 'PX', 60000)
redis.call('HSET', KEYS[2], 'a', '1', 'b', 'é')
redis.call('ZADD', KEYS[3], 'inf', 'last', 1.5, 'first')
for _, key in ipairs({KEYS[2], KEYS[3]}) do redis.call('PEXPIRE', key, 60000) end
redis.call('XADD', KEYS[4], 'MAXLEN', '5', '*', 't', 'one')
redis.call('SET', KEYS[5], 'over', 'PX', 1)
return 1`,
    };
    const look = {
      name: 'look',
      lua: `
return {redis.call('GET', KEYS[1]), redis.call('HGETALL', KEYS[2]), redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', 'inf', 'WITHSCORES'),
  redis.call('XLEN', KEYS[4]), redis.call('EXISTS', KEYS[5]), redis.call('PTTL', KEYS[1]) > 50000, redis.call('PTTL', KEYS[4])}`,
    };
    const keys = ['text', 'hash', 'zset', 'stream', 'short'];
    const member = { name: 'member', lua: `return redis.call('ZADD', KEYS[1], ARGV[1], 'whoever')` };
    const isMember = (link: ClusterLink, untilMs: number) => link.run(member, 0, ['leases'], [String(untilMs)]);
    const [a, b, c] = [open(), open(), open()];
    await a.run(everything, 3, keys, []);
    await isMember(a, Date.now() + 60_000);
    const before = (await b.run(look, 3, keys, [])) as unknown[];
    await pace(5);
    expect(hubs()).toEqual([a]);
    await a.close();
    expect(statSync(join(path, 'left')).mode & 0o777).toBe(0o600);
    const after = (await b.run(look, 3, keys, [])) as unknown[];
    const kept = ['über', expect.arrayContaining(['a', '1', 'b', 'é']), ['first', '1.5', 'last', 'inf'], 1];
    expect(before.slice(0, 4)).toEqual(kept);
    expect(after).toEqual([...before.slice(0, 4), 0, 1, -1]);
    // and is nobody else's
    expect(readdirSync(path)).toEqual([expect.stringMatching(/^hub-\d+$/)]);
    await isMember(b, Date.now());
    await b.close();
    expect(await c.run(look, 3, keys, [])).toEqual([null, [], [], 0, 0, null, -2]);
  });

  it('starts with nothing if what was left cannot be read', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation();
    try {
      writeFileSync(join(path, 'left'), '["{4}:sum",null,"text","41"]\n["{4}:');
      // whatever follows the last line end was never written
      expect(await add(open(), 4)).toBe(42);
      for (const link of links.splice(0)) await link.close();
      expect(warned).not.toHaveBeenCalled();
      writeFileSync(join(path, 'left'), '["{4}:sum",null,"text","41"]\nnonsense\n');
      expect(await add(open(), 4)).toBe(1);
      expect(warned.mock.calls).toEqual([
        [expect.stringContaining('left'), expect.objectContaining({ code: 'STREAM_SESSIONS_CLUSTER_FILE' })],
      ]);
    } finally {
      warned.mockRestore();
    }
  });

  it('is followed by the next hub, to which the followers move', async () => {
    const [a, b, c] = [open(), open(), open()];
    await add(a, 0);
    const heard: string[][] = [[], []];
    for (const [i, link] of [b, c].entries())
      await link.follow([{ name: 'news' }], (_, texts) => void heard[i]?.push(...texts));
    await say(c, 'news', 'one');
    await until('both have heard it', () => heard.every((texts) => texts.length === 1));
    expect(hubs()).toEqual([a]);
    links.splice(links.indexOf(a), 1);
    await a.close();
    await until('both hear again', async () => {
      await say(b, 'news', 'two');
      return heard.every((texts) => texts.includes('two'));
    });
  });

  it('admits only processes of the same user', () => {
    const made = join(path, 'made');
    void workerLink({ path: made }).close();
    expect(statSync(made).mode & 0o777).toBe(0o700);
    chmodSync(made, 0o750);
    expect(() => workerLink({ path: made })).toThrow(/chmod 700/);
  });

  it('has a folder that can be created, with a name that is short enough for a socket', () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    const wrong = (folder: string, message: RegExp) =>
      expect(() => workerLink({ path: folder })).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringMatching(message) }),
      );
    wrong(join(path, 'x'.repeat(100)), /at most 87 bytes/);
    // of two bytes each
    wrong(join(path, 'é'.repeat(40)), /at most 87 bytes/);
    wrong(file, /can be created \(EEXIST/);
    wrong(join(file, 'folder'), /can be created \(ENOTDIR/);
    wrong(join(path, 'a\0b'), /can be created/);
  });

  it('can be joined like Redis: denials outlive each process', async () => {
    const members: TestMember[] = [];
    for (const name of ['a', 'b', 'c']) members.push(await joined(open(), name));
    const [a, b, c] = members as [TestMember, TestMember, TestMember];
    for (const each of members) await until('all are seen', () => namesOf(each).join() === 'a,b,c');
    const denial = { id: randomUUID(), until: Date.now() + 3_600_000, body: 'Dwhoever' };
    for (const { running } of members) running.push(denial);
    await a.member.log.put(denial);
    await until('all have heard it', () => members.every(({ said }) => said.includes('Dwhoever')));
    expect(hubs()).toEqual([a.link]);
    links.splice(links.indexOf(a.link as WorkerLink), 1);
    (a.link as WorkerLink).hub?.close();
    await a.link.close();
    await until('the others have joined anew', () => [b, c].every((each) => namesOf(each).join() === 'b,c'));
    const later = await joined(open(), 'd');
    await until('who comes later knows it', () => [...later.table, ...later.said].includes('Dwhoever'));
    for (const { member } of [b, c, later]) await member.leave();
    await a.member.leave();
  });

  it('is elected anew if its folder was removed, and all find each other again', async () => {
    const [a, b] = [await joined(open(), 'a'), await joined(open(), 'b')];
    rmSync(path, { recursive: true });
    const c = await joined(open(), 'c');
    const all = [a, b, c];
    await until('each sees all', () => all.every((each) => namesOf(each).join() === 'a,b,c'));
    // and was not removed with the one before
    expect(hubs()).toEqual([c.link]);
    for (const { member } of all) await member.leave();
  });

  it('stays the hub while its folder cannot be read', async () => {
    const clock = fakeClock();
    const link = workerLink({ path, clock }) as WorkerLink;
    links.push(link);
    await add(link, 0);
    const { hub } = link;
    expect(hub).toBeDefined();
    renameSync(path, `${path}-away`);
    // as where descriptors have run out: any error but that nothing is there
    writeFileSync(path, '');
    try {
      expect(() => clock.advance(5_000)).not.toThrow();
      expect(await add(link, 0)).toBe(2);
    } finally {
      rmSync(path);
      renameSync(`${path}-away`, path);
    }
    clock.advance(5_000);
    expect(link.hub).toBe(hub);
    expect(await add(link, 0)).toBe(3);
  });

  it('tells nothing to who has given up following it, because it stood still', async () => {
    const hub = open();
    await add(hub, 0);
    const link = workerLink({ path, commandTimeoutMs: 50 }) as WorkerLink;
    links.push(link);
    await add(link, 0);
    const { sockets } = hub.hub as unknown as { sockets: Set<Socket> };
    for (const socket of sockets) socket.pause();
    const heard: string[] = [];
    const following = link.follow([{ name: 'news', isOwn: true }], (_, texts) => void heard.push(...texts));
    await expect(following).rejects.toMatchObject({ code: 'ERR_CLUSTER_LINK' });
    for (const socket of sockets) socket.resume();
    await add(link, 0);
    for (const text of ['one', 'two']) await say(hub, 'news', text);
    await stays('nothing is heard', () => heard.length === 0, 200);
  });
});
