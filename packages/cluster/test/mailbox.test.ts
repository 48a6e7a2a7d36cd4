import { connect } from '../../../test/support/redis-clients.js';
import { until } from '../../../test/support/until.js';
import { type Cluster, namesOf, type TestMember } from './support/members.js';
import { clusterOn, oneRedis } from './support/one-redis.js';

let cluster: Cluster;
let members: TestMember[];
const redis = oneRedis();
clusterOn(redis, (made) => (cluster = made));
beforeEach(async () => {
  members = [];
  for (const name of ['a', 'b', 'c']) {
    const made = await cluster.member(name);
    made.member.mailbox.on('name', (asked) => ({ name, asked }));
    made.member.mailbox.on('all but b', () => (name === 'b' ? Promise.reject(new Error('no')) : name));
    made.member.mailbox.on('nothing', () => new Promise(() => undefined));
    made.member.mailbox.on('only a', () => (name === 'a' ? name : new Promise(() => undefined)));
    await made.member.join();
    members.push(made);
  }
  for (const each of members) await until('all are seen', () => namesOf(each).length === 3);
});

const a = () => members[0] as TestMember;
const everybody = () => a().member.membership.nodes.living();

it('the mailbox brings an answer from each node that was asked, including the one that asks', async () => {
  const asked = { text: 'x'.repeat(500_000), list: [1, null, { a: '"' }] };
  const { answers, missing } = await a().member.mailbox.ask<{ name: string; asked: unknown }>(
    everybody(),
    'name',
    asked,
    5_000,
  );
  expect(missing).toEqual([]);
  expect(answers.map(({ node, answer }) => [node.name, answer.name]).sort()).toEqual([
    ['a', 'a'],
    ['b', 'b'],
    ['c', 'c'],
  ]);
  for (const { answer } of answers) expect(answer.asked).toEqual(asked);
  const [, b] = everybody();
  const alone = await a().member.mailbox.ask<{ name: string }>([b!], 'name', 1, 5_000);
  expect(alone.answers.map(({ answer }) => answer.name)).toEqual([b!.name]);
  expect(await a().member.mailbox.ask([], 'name', 1, 5_000)).toEqual({ answers: [], missing: [] });
});

it('the mailbox names nodes that cannot answer at once, and those that do not answer after the time limit', async () => {
  const { mailbox } = a().member;
  const cannot = await mailbox.ask(everybody(), 'all but b', 0, 30_000);
  expect(cannot.missing.map(({ name }) => name)).toEqual(['b']);
  const unknown = await mailbox.ask(everybody(), 'what nobody knows', 0, 30_000);
  expect(unknown.missing).toHaveLength(3);
  const silent = await mailbox.ask(everybody(), 'nothing', 0, 100);
  expect(silent.answers).toEqual([]);
  expect(silent.missing.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
});

it('the mailbox keeps many questions apart', async () => {
  const asked = Array.from({ length: 200 }, (_, n) => n);
  const all = await Promise.all(
    asked.map((n) => a().member.mailbox.ask<{ asked: number }>(everybody(), 'name', n, 10_000)),
  );
  for (const [n, { answers }] of all.entries()) expect(answers.map(({ answer }) => answer.asked)).toEqual([n, n, n]);
});

it('the mailbox does not wait for nodes that have left or died since they were asked', async () => {
  const others = everybody().filter(({ name }) => name !== 'a');
  const asked = a().member.mailbox.ask(others, 'nothing', 0, 600_000);
  const [, b, c] = members as [TestMember, TestMember, TestMember];
  await b.member.leave();
  await c.link.close();
  expect((await asked).missing.map(({ name }) => name).sort()).toEqual(['b', 'c']);
});

it('the mailbox does not wait for answers that would go to whom a node was before it joined anew', async () => {
  const { mailbox, membership } = a().member;
  const before = membership.incarnation;
  const asked = mailbox.ask(everybody(), 'only a', 0, 600_000);
  const { ask } = await connect('redis', redis.port);
  await ask('FLUSHALL');
  expect((await asked).missing.map(({ name }) => name).sort()).toEqual(['b', 'c']);
  expect(membership.incarnation).not.toBe(before);
});
