/**
 * The steps of visits and slots on a real Redis, as a node runs them: openings (each a question that is answered with a new visit) and
 * lettings go a second, in tens and in hundreds; claims (of nodes that only record); and what visits and slots take in memory.
 * CPU time is that of redis-server alone, so that other work on the machine does not count.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { systemClock } from '@stream-sessions/core/spi';
import { median, table } from './lib.mjs';
import { startRedis } from './redis.mjs';

const require = createRequire(import.meta.url);
const inside = (file) => require(`../packages/cluster/dist/${file}`);
const { redisLink } = inside('index.js');
const { Membership } = inside('membership/membership.js');
const { VisitBook } = inside('visits/visit-book.js');
const { placeOf, shardOf } = inside('visits/fields.js');
const { BUCKETS } = inside('link/link.js');
const { ClusterSlots } = inside('slots/cluster-slots.js');

const COUNT = Number(process.env.COUNT ?? 100_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
/** Nodes that open visits at the same time. */
const BUSY_NODES = 16;
const HOUR_MS = 3_600_000;

const redis = await startRedis();
const client = await redis.connect();
const link = redisLink(client, { prefix: 'bench:', commandTimeoutMs: 60_000 });
const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** Called where the answer to a step was lost. */
const lost = () => {
  console.error('An answer was lost: this measures nothing.');
  process.exit(1);
};

/** A node that has joined, and its book of visits. */
async function node(name) {
  const parts = { link, clock: systemClock, logger, name, config: {}, leaseMs: HOUR_MS, renewMs: HOUR_MS };
  const membership = new Membership({ ...parts, onJoined: async () => undefined, onRenewed: nothing });
  await membership.join();
  return { membership, book: new VisitBook(membership, systemClock, logger, lost) };
}

/** Milliseconds of CPU that Redis has used. */
async function cpuMs() {
  const info = await client.info('cpu');
  return 1000 * (Number(/used_cpu_user:([\d.]+)/.exec(info)[1]) + Number(/used_cpu_sys:([\d.]+)/.exec(info)[1]));
}
const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);

const sha = (text, n) => createHash('sha1').update(`${text}${n}`).digest('base64url').slice(0, 16);
/** Viewers alone in their identity groups, with three names each. */
const viewers = (from, count) =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return {
      ...{ id: n.toString(16).padStart(16, '0'), kind: 'viewer', stream: `cam${n % 50}`, place: sha('place', n) },
      names: ['token', 'cmcd', 'fingerprint'].map((name) => [name, sha(name, n)]),
      ...{ openedAt: Date.now(), updatedAt: Date.now(), bytes: 1_000_000, bytesReceived: 0 },
    };
  });

/** What a node does with a visit, whose event is told at once. */
const WORK = {
  open: async (book, viewer) => {
    const { found, begun } = await book.find(viewer, nothing);
    viewer.openedAt = found.openedAt;
    begun?.told();
  },
  letGo: async (book, viewer) => (await book.letGo(viewer, 'idle')).closed?.(),
  claim: async (book, viewer) => (await book.claim(viewer, 'lost')).opened?.(),
};

/** Lists of visits whose operations are one step each: of one hash of one bucket. */
function stepsOf(visits, perStep) {
  const buckets = Array.from({ length: BUCKETS }, () => []);
  const open = new Map();
  for (const visit of visits) {
    const { bucket, place } = placeOf(visit);
    const hash = `${bucket} ${shardOf(place)}`;
    const step = open.get(hash);
    if (step !== undefined && step.length < perStep) step.push(visit);
    else {
      const first = [visit];
      open.set(hash, first);
      buckets[bucket].push(first);
    }
  }
  return buckets;
}

/** Operations a second of CPU. Each node has one step at a time under way in each bucket; many nodes keep Redis busy. */
async function run(work, visits, perStep, nodes) {
  const all = stepsOf(visits, perStep);
  const steps = nodes.map(({ book }, n) => {
    return { book, buckets: all.map((steps) => steps.filter((_, i) => i % nodes.length === n)) };
  });
  const before = await cpuMs();
  for (let i = 0; steps.some(({ buckets }) => buckets.some((each) => i < each.length)); i++) {
    const done = steps.flatMap(({ book, buckets }) => [
      ...buckets.flatMap((each) => (each[i] ?? []).map((visit) => WORK[work](book, visit))),
      book.flushed(),
    ]);
    await Promise.all(done);
  }
  for (const { book } of nodes) await book.outbox.empty().then(() => book.flushed());
  return (visits.length / ((await cpuMs()) - before)) * 1000;
}

let used = 0;
const more = (count) => viewers((used += count) - count, count);
const both = (opened, letGo) => 2 / (1 / opened + 1 / letGo);
const k = (values) => `${(median(values) / 1000).toFixed(0)} k/s`;

const nodesOf = (count) => Promise.all(Array.from({ length: count }, (_, n) => node(`node ${n}`)));
const nodes = await nodesOf(BUSY_NODES);
// Redis knows the script from then on
await run('open', more(1_000), 10, nodes);
const speeds = [['operations a step', 'opened', 'let go', 'opened + let go', 'claimed']];
for (const perStep of [1, 10, 100]) {
  const rounds = [];
  for (let n = 0; n < ROUNDS; n++) {
    const visits = more(COUNT / 5);
    const opened = await run('open', visits, perStep, nodes);
    const letGo = await run('letGo', visits, perStep, nodes);
    const claimed = await run('claim', more(COUNT / 5), perStep, nodes);
    rounds.push([opened, letGo, both(opened, letGo), claimed]);
  }
  speeds.push([perStep, ...rounds[0].map((_, column) => k(rounds.map((row) => row[column])))]);
}
table(speeds);

/** What nodes that have just joined an empty Redis make there. */
async function bytesEach(count, nodeCount, make) {
  await client.flushAll();
  const joined = await nodesOf(nodeCount);
  const before = await usedMemory();
  await make(joined);
  return Math.round(((await usedMemory()) - before) / count);
}

const counts = [0.25, 0.3, 0.4, 0.49, 0.51].map((part) => Math.round(part * COUNT));
const memory = [['bytes a visit, 3 names', ...counts.map((count) => `of ${count}`)]];
for (const holders of [1, 2, 4, 20]) {
  const bytes = [];
  for (const count of counts) {
    const visits = more(count);
    bytes.push(
      await bytesEach(count, holders, async (joined) => {
        for (const each of joined) await run('open', visits, 100, [each]);
        // once more: a hash that has just grown has two tables until it has been used as often as it has entries
        await run('open', visits, 100, [joined[0]]);
      }),
    );
  }
  memory.push([`${holders} ${holders === 1 ? 'node' : 'nodes'}`, ...bytes]);
}
table(memory);

const slots = [['slots a user', 'bytes a slot']];
for (const each of [1, 3]) {
  const users = COUNT / 5;
  const bytes = await bytesEach(each * users, 1, async ([{ membership }]) => {
    const member = { membership, mailbox: { on: nothing } };
    const port = { hash: (key) => sha('user', key), part: nothing, end: nothing };
    const limits = new ClusterSlots({
      member,
      port,
      openedAtOf: nothing,
      clock: systemClock,
      leaseMs: 0,
      whenAlone: 'local',
    });
    for (let from = 0; from < users; from += 100) {
      const takes = Array.from({ length: 100 * each }, (_, i) => {
        const user = from + (i % 100);
        return limits.take(`user ${user}`, (user * each + Math.floor(i / 100)).toString(16).padStart(16, '0'), {
          max: 9,
          graceMs: 0,
        });
      });
      if ((await Promise.all(takes)).some((answer) => answer?.isTaken !== true))
        throw new Error('a slot was not given');
    }
    limits.stop();
  });
  slots.push([each, bytes]);
}
table(slots);

await link.close();
client.destroy();
process.exit(0);
