/**
 * The steps of visits on a real Redis: openings (each a question that is answered with a new visit) and lettings go a second, in
 * tens and in hundreds, claims (of nodes that only record), and what visits and slots take in memory. CPU time is that of redis-server alone, so that other work on the machine does not count.
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
const { VISITS, visitsKey, COUNTS, ENDED_KEYS } = inside('visits/visit-steps.js');
const { outboxKey } = inside('visits/outbox-steps.js');
const { LEASE } = inside('membership/lease-steps.js');
const { placeOf } = inside('visits/fields.js');
const { TAKE } = inside('slots/slot-steps.js');
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
const ME = 'a0Xh2-9x';
/** With leases in all buckets. */
async function join(incarnation) {
  for (let bucket = 0; bucket < 16; bucket++) {
    await link.run(LEASE, bucket, ['leases', 'epoch'], [incarnation, '3600000', 'epoch', 'join']);
  }
}
await join(ME);

/** Milliseconds of CPU that the server has used. */
const cpuOf = () => {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);

const hash = (text, i) => createHash('sha1').update(`${text}${i}`).digest('base64url').slice(0, 16);
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
const argsOf = (what, { id, where, names, openedAt = Date.now().toString(36) }) => {
  const about = `v:cam${Number(`0x${id.slice(-2)}`) % 50}`;
  if (what === 'F') return [what, where.place, id, about, names];
  if (what === 'C') return [what, where.place, id, openedAt, about, names, openedAt, '-', 'lost'];
  return [what, where.place, id, openedAt, 'idle', openedAt, '1000000', '0'];
};

let stepNumber = 0;
/** Steps that have been told, by node and bucket. */
const last = new Map();

/** So many operations in each step, of visits of one bucket. */
async function run(what, all, perStep, me = ME) {
  const buckets = new Map();
  for (const visit of all) buckets.set(visit.where.bucket, [...(buckets.get(visit.where.bucket) ?? []), visit]);
  const before = cpuOf();
  for (const [bucket, here] of buckets) {
    const steps = [];
    for (let at = 0; at < here.length; at += perStep) {
      const some = here.slice(at, at + perStep);
      const keys = ['leases', COUNTS, outboxKey(me), visitsKey(0), ...ENDED_KEYS];
      const step = String(++stepNumber);
      const told = last.get(`${me} ${bucket}`) ?? '-';
      last.set(`${me} ${bucket}`, step);
      steps.push(link.run(VISITS, bucket, keys, [me, step, told, ...some.flatMap((visit) => argsOf(what, visit))]));
    }
    const answers = (await Promise.all(steps)).flatMap(([each]) => each);
    if (answers.some((answer) => answer === 'none')) throw new Error(`${what} of a visit that is not there`);
    // a visit that has begun by a question is as old as Redis says
    if (what === 'F') here.forEach((visit, i) => (visit.openedAt = answers[i].split(' ')[2]));
  }
  return (all.length / (cpuOf() - before)) * 1000;
}

const COUNT = Number(process.env.COUNT ?? 40_000);
// Redis knows the script from then on
await run('F', visits(9e9, 100), 10);
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

/** Of so many things that are alike. */
async function bytesEach(count, make) {
  await client.flushAll();
  await join(ME);
  const before = await usedMemory();
  await make();
  return Math.round(((await usedMemory()) - before) / count);
}

const memory = [['nodes', 'bytes a visit, 3 names']];
for (const nodes of [1, 2, 4, 20]) {
  const some = visits(from, COUNT);
  const bytes = await bytesEach(COUNT, async () => {
    for (let node = 0; node < nodes; node++) {
      const me = node === 0 ? ME : `b${String.fromCharCode(97 + node)}${ME.slice(2)}`;
      if (node > 0) await join(me);
      await run('F', some, 100, me);
    }
  });
  memory.push([nodes, bytes]);
}
table(memory);

const slots = [['slots a user', 'bytes a slot']];
for (const each of [1, 3]) {
  const bytes = await bytesEach(each * COUNT, async () => {
    for (let bucket = 0; bucket < 16; bucket++) {
      const takes = [];
      for (let n = bucket; n < COUNT * each; n += 16) {
        const key = `slots-${hash('user', Math.floor(n / 16 / each) * 16 + bucket)}`;
        const args = [ME, n.toString(16).padStart(16, '0'), '9', '0', 'reject', ''];
        takes.push(link.run(TAKE, bucket, ['leases', 'epoch', key, `${key}-going`], args));
      }
      if ((await Promise.all(takes)).some(([how]) => how !== 1)) throw new Error('a slot was not given');
    }
  });
  slots.push([each, bytes]);
}
table(slots);

await link.close();
client.destroy();
