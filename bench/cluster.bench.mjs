/**
 * The steps of visits on a real Redis: openings (each a question that is answered with a new visit) and lettings go a second, in
 * tens and in hundreds, claims (of nodes that only record), and what a visit takes in memory. CPU time is that of redis-server alone, so that other work on the machine does not count.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { createClient } from 'redis';
import { table } from './lib.mjs';

const require = createRequire(import.meta.url);
const inside = (file) => require(`../packages/cluster/dist/${file}`);
const { VISITS, COUNTS, LOOKS_NEAR, SHARD_KEYS, nearKey } = inside('visits/visit-steps.js');
const { outboxKey } = inside('visits/outbox-steps.js');
const { LEASE } = inside('membership/lease-steps.js');
const { placeOf } = inside('visits/fields.js');
const { redisLink } = inside('index.js');

const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
const server = spawn(
  'redis-server',
  ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.on('exit', () => server.kill('SIGKILL'));
for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
server.stdout.resume();

const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
const link = redisLink(client, { prefix: 'bench:', commandTimeoutMs: 30_000 });
const ME = 'a0a0a0a0-0000-0000-0000-000000000000';
for (let bucket = 0; bucket < 16; bucket++) {
  await link.run(LEASE, bucket, ['leases', 'epoch'], [ME, '3600000', 'epoch', 'join']);
}

/** Milliseconds of CPU that the server has used. */
const cpuOf = () => {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);

const hash = (text, i) => createHash('sha1').update(`${text}${i}`).digest('base64url').slice(0, 22);
const visits = (from, count) =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const id = n.toString(16).padStart(16, '0');
    return {
      id,
      where: placeOf({ place: hash('place', n), id }),
      names: `t${hash('t', n)},c${hash('c', n)},f${hash('f', n).slice(0, 6)}`,
    };
  });
const argsOf = (what, { id, where, names, openedAt = Date.now() }) =>
  [
    ...[`${what}${where.shard}`, where.place, id, openedAt, `v:cam${Number(`0x${id.slice(-2)}`) % 50}`, names],
    ...[openedAt, 1_000_000, 0, '-', what === 'C' ? 'lost' : '-'],
  ].map(String);

let stepNumber = 0;
/** Steps that have been told, by bucket. */
const last = new Map();

/** So many operations in each step, of visits of one bucket. */
async function run(what, all, perStep) {
  const buckets = new Map();
  for (const visit of all) buckets.set(visit.where.bucket, [...(buckets.get(visit.where.bucket) ?? []), visit]);
  const before = cpuOf();
  for (const [bucket, here] of buckets) {
    const steps = [];
    for (let at = 0; at < here.length; at += perStep) {
      const some = here.slice(at, at + perStep);
      const keys = ['leases', COUNTS, outboxKey(ME), ...SHARD_KEYS];
      if (LOOKS_NEAR.includes(what)) for (const { where } of some) keys.push(nearKey(where.place));
      const step = String(++stepNumber);
      const told = last.get(bucket) ?? '-';
      last.set(bucket, step);
      steps.push(link.run(VISITS, bucket, keys, [ME, step, told, ...some.flatMap((visit) => argsOf(what, visit))]));
    }
    const answers = (await Promise.all(steps)).flatMap(([each]) => each);
    if (answers.some((answer) => answer === 'none')) throw new Error(`${what} of a visit that is not there`);
    // a visit that has begun by a question is as old as Redis says
    if (what === 'F') here.forEach((visit, i) => (visit.openedAt = answers[i].split(' ')[2]));
  }
  return (all.length / (cpuOf() - before)) * 1000;
}

const COUNT = Number(process.env.COUNT ?? 40_000);
const k = (n) => `${(n / 1000).toFixed(0)} k/s`;
const rows = [['operations a step', 'opened', 'let go', 'opened + let go', 'claimed']];
let from = 0;
for (const perStep of [1, 10, 100]) {
  const all = visits(from, COUNT);
  from += COUNT;
  const opened = await run('F', all, perStep);
  const left = await run('L', all, perStep);
  const claimed = await run('C', visits(from, COUNT), perStep);
  from += COUNT;
  rows.push([perStep, k(opened), k(left), k(2 / (1 / opened + 1 / left)), k(claimed)]);
}
table(rows);

await client.flushAll();
for (let bucket = 0; bucket < 16; bucket++) {
  await link.run(LEASE, bucket, ['leases', 'epoch'], [ME, '3600000', 'epoch', 'join']);
}
const before = await usedMemory();
const many = visits(from, 200_000);
await run('F', many, 100);
table([['bytes a visit, 3 names, 1 node'], [Math.round(((await usedMemory()) - before) / many.length)]]);

await link.close();
client.destroy();
