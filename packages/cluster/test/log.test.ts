import { randomUUID } from 'node:crypto';
import { connect, type OpenClient } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import type { ClusterLink } from '../src/index.js';
import type { Running } from '../src/log/cluster-log.js';
import { faultyLink, type FaultyLink } from './support/faulty-link.js';
import { type Cluster, type TestMember } from './support/members.js';
import { clusterOn, oneRedis } from './support/one-redis.js';

let cluster: Cluster;
let aside: OpenClient;
const redis = oneRedis();
clusterOn(redis, (made) => (cluster = made));
beforeEach(async () => {
  aside = await connect('redis', redis.port);
});

const key = (name: string) => `${cluster.prefix}{0}:${name}`;
const HOUR_MS = 3_600_000;
const denial = (what: string, id: string = randomUUID()): Running => ({
  id,
  until: Date.now() + HOUR_MS,
  body: `D${what}`,
});
const lift = ({ id }: Running): Running => ({ id, until: Date.now() + 1, body: `L${id}` });

/** Puts it, and knows of it from now on, as a tracker knows its denials. */
async function put({ member, running }: TestMember, entry: Running): Promise<number> {
  running.push(entry);
  return member.log.put(entry);
}

/** Everything of the log as it is now. Returns what makes it so again, as a failover to a replica that is behind does. */
async function copyOfLog(): Promise<() => Promise<void>> {
  const keys = (await aside.ask('KEYS', key('log*'))) as string[];
  for (const each of keys) await aside.ask('COPY', each, `copy-${each}`);
  return async () => {
    await aside.ask('DEL', ...((await aside.ask('KEYS', key('log*'))) as string[]));
    for (const each of keys) {
      await aside.ask('RENAME', `copy-${each}`, each);
      await aside.ask('PEXPIRE', each, '60000');
    }
  };
}

it('the log is heard by all nodes in one order, whichever node writes to it', async () => {
  const members = [await cluster.joined('a'), await cluster.joined('b'), await cluster.joined('c')];
  const speakers = Array.from({ length: 100 }, () => members).flat();
  const numbers = await Promise.all(speakers.map(({ member }, n) => member.log.say(`say ${n}`)));
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
  const inOrder = numbers.map((n, i) => [n, `say ${i}`] as const).sort(([a], [b]) => a - b);
  for (const { member, said } of members) {
    await member.log.reached(300);
    expect(said).toEqual(inOrder.map(([, body]) => body));
  }
});

it('the log has every denial in force for nodes that join later, and lifted ones stay lifted', async () => {
  const a = await cluster.joined('a');
  const [one, two, three] = [denial('one'), denial('two'), denial('three')];
  for (const each of [one, two, three]) expect(await put(a, each)).toBeGreaterThan(0);
  expect(await put(a, lift(two))).toBe(4);
  expect(await a.member.log.put(two)).toBe(0);
  expect(await a.member.log.put(one)).toBe(0);
  const b = await cluster.joined('b');
  expect(b.table).toEqual(['Done', 'Dthree', `L${two.id}`]);
  expect(b.said).toEqual([]);
});

it('the log forgets denials that have ended', async () => {
  const a = await cluster.joined('a');
  await a.member.log.put({ ...denial('short'), until: Date.now() + 300 });
  expect(await a.member.log.put({ ...denial('over'), until: Date.now() - 1 })).toBe(0);
  await until('a newcomer hears nothing of it', async () => (await cluster.joined('b')).table.length === 0);
});

it('the log is replaced by the table of denials if it was trimmed before a node has read it', async () => {
  const [a, b] = [await cluster.joined('a'), await cluster.joined('b')];
  redis.signal('SIGSTOP');
  const said = Array.from({ length: 20 }, (_, n) => put(a, denial(`${n}`)));
  const trimmed = aside.ask('XTRIM', key('log'), 'MAXLEN', '0');
  redis.signal('SIGCONT');
  await Promise.all([...said, trimmed]);
  await aside.ask('XTRIM', key('log'), 'MAXLEN', '0');
  await put(a, denial('last'));
  await until('it knows all', () => new Set([...b.table, ...b.said]).size === 21);
});

it('the log is restored by the nodes that know it when Redis comes back empty', async () => {
  const [a, b] = [await cluster.joined('a'), await cluster.joined('b')];
  const [one, two, three] = [denial('one'), denial('two'), denial('three')];
  for (const each of [one, two]) await put(a, each);
  await put(a, lift(two));
  await put(b, three);
  await b.member.log.reached(4);
  await aside.ask('FLUSHALL');
  const known = ['Done', 'Dthree', `L${two.id}`].sort();
  const newcomer = async () => {
    const { table, member } = await cluster.joined('newcomer');
    await member.leave();
    return table.filter((body) => body !== 'Dtwo').sort();
  };
  await until('a newcomer finds it', async () => (await newcomer()).join() === known.join());
});

it('the log is put back when Redis has lost its last second, and later entries of other nodes are heard', async () => {
  const [a, b] = [await cluster.joined('a'), await cluster.joined('b')];
  await put(a, denial('kept'));
  const undo = await copyOfLog();
  await put(a, denial('lost'));
  await a.member.log.say('Slost');
  await b.member.log.reached(3);
  await undo();
  // as many as were lost, so that the numbers are the same again
  await put(b, denial('other'));
  await b.member.log.say('Sother');
  await until('both have heard the other', () => [a, b].every(({ said }) => said.includes('Sother')));
  await until('it is back', async () => {
    const { table, member } = await cluster.joined('newcomer');
    await member.leave();
    return [...table].sort().join() === 'Dkept,Dlost,Dother';
  });
});

it('the log gets an entry later if it could not be written at first', async () => {
  let faulty: FaultyLink | undefined;
  const wrap = (link: ClusterLink) => (faulty = faultyLink(link));
  const [a, b] = [await cluster.joined('a', { wrap }), await cluster.joined('b')];
  faulty?.lose('append', 'question');
  await expect(put(a, denial('late'))).rejects.toThrow('the question is lost');
  await until('it was heard', () => b.said.includes('Dlate'));
});

it('the log wakes up a reader that waits at an id that no longer exists', async () => {
  const [a] = [await cluster.joined('a')];
  await put(a, denial('one'));
  await until('it was heard', () => a.said.length === 1);
  const [n, tag] = (await aside.ask(
    'EVAL',
    "return redis.call('HMGET', KEYS[1], 'n', 'tag')",
    '1',
    key('log-head'),
  )) as string[];
  const epoch = String(await aside.ask('GET', key('epoch'))).split(' ')[0];
  await aside.ask('DEL', key('log'));
  await aside.ask('XADD', key('log'), '5-5', 'd', `${Number(n) + 1} another ${tag} ${epoch} late`);
  await aside.ask('PEXPIRE', key('log'), '60000');
  await aside.ask('HSET', key('log-head'), 'n', String(Number(n) + 1), 'tag', 'another');
  await stays('nothing wakes it at first', () => !a.said.includes('late'), 100);
  await until('it was heard', () => a.said.includes('late'));
});
