/** A node of a cluster with many viewers, in a process of its own: see cluster-nodes.mjs. */
import { createRequire } from 'node:module';
import { createTracker } from '@stream-sessions/core';
import { createClient } from 'redis';
import { fresh, hitOf } from './lib.mjs';

const { joinCluster, redisLink } = createRequire(import.meta.url)('../packages/cluster/dist/index.js');

const { port, name, idleTimeoutMs } = JSON.parse(process.argv[2]);
const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
const USERS = 10_000;
const who = {
  name: 'who',
  stage: 'authorise',
  admit: ({ token }) => ({ allow: true, userId: `viewer-${parseInt(token.slice(0, 8), 16) % USERS}` }),
};
const tracker = createTracker({
  fingerprintKey: 'of the bench',
  policies: [who],
  geo: { country: (ip) => `C${Number(ip.split('.')[3]) % 200}` },
  maxSessions: 1_000_000,
  idleTimeoutMs,
});
const cluster = await joinCluster(tracker, {
  via: redisLink(client, { prefix: 'bench:', commandTimeoutMs: 10_000 }),
  name,
  timeLimitMs: 10_000,
});

/** The viewers that play on this node, by number. */
const viewers = [];
const play = ({ handle }) => {
  handle.touch(13_000);
  handle.end();
};
/** Milliseconds from being due to being admitted, of those who came lately. */
let openingMs = [];
/** Nanoseconds of the clock that all processes of a machine share, by the id of who was cut. */
let cuts = {};
tracker.on('closed', ({ session }) => {
  if (session.closeReason === 'kicked') cuts[session.id] = Number(process.hrtime.bigint());
});
let closed = 0;
cluster.on('closed', () => closed++);
let refused = 0;
async function open(viewer, dueAt = performance.now()) {
  const admission = await tracker.admit(hitOf(viewer));
  if (!admission.admitted) return void refused++;
  openingMs.push(performance.now() - dueAt);
  const { id } = admission.handle.session;
  play(admission);
  return id;
}

/** Calls `each` so many times a second, on time on average. Returns a function that ends this. */
function pace(perSecond, each) {
  let done = 0;
  const begun = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * perSecond;
    for (; done < due; done++) each(done, begun + (done / perSecond) * 1000);
  }, 10);
  return () => clearInterval(timer);
}
/** How late a timer of 1 ms has come, at most, since it was last asked. It takes processor time itself. */
let stall = 0;
function watchStalls() {
  let tickAt = performance.now();
  setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - tickAt - 1);
    tickAt = now;
  }, 1);
}

let stops = [];
const asks = {
  watchStalls,
  /** So many viewers from this number on, `atOnce` at a time. */
  async fill({ from, count, atOnce = 500, isRoaming = false }) {
    let next = from;
    const ids = {};
    const one = async () => {
      while (next < from + count) {
        const viewer = next++;
        const id = await open(viewer);
        viewers.push(viewer);
        if (isRoaming) ids[viewer] = id;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    return ids;
  },
  /** Each viewer asks for a segment each `everyMs`, and so many newcomers a second for their first one. */
  load({ everyMs, opensPerSecond, from }) {
    stops.push(
      pace((viewers.length / everyMs) * 1000, (n) => {
        const admission = tracker.admit(hitOf(viewers[n % viewers.length]));
        if (admission.admitted) play(admission);
      }),
      pace(opensPerSecond, (n, dueAt) => void open(from + n, dueAt)),
    );
  },
  unload() {
    for (const stop of stops) stop();
    stops = [];
  },
  async kick(id) {
    const at = Number(process.hrtime.bigint());
    const answer = await cluster.kick(id).catch(({ code }) => ({ code }));
    return { at, tookMs: (Number(process.hrtime.bigint()) - at) / 1e6, ...answer };
  },
  /** A question to all nodes that costs none of them anything. */
  async ping() {
    const at = performance.now();
    // a node that is too busy to answer is not what this measures: it is late, and that is seen
    await cluster.get(fresh('nobody')).catch(() => undefined);
    return { tookMs: performance.now() - at };
  },
  closed: () => closed,
  cuts() {
    const all = cuts;
    cuts = {};
    return all;
  },
  async list(filter) {
    const at = performance.now();
    const rows = await cluster.list(filter);
    const tookMs = performance.now() - at;
    return {
      tookMs,
      rows: rows.length,
      nodes: [...new Set(rows.flatMap(({ nodes }) => nodes))],
      partial: rows.partial,
    };
  },
  async count(filter) {
    const at = performance.now();
    const count = await cluster.count(filter);
    return { tookMs: performance.now() - at, count };
  },
  nodes: () => cluster.nodes().map((node) => node.name),
  /** Since it was last asked. */
  figures() {
    const figures = { stall, openingMs, closed, refused, active: tracker.stats().active, cpu: process.cpuUsage() };
    stall = 0;
    openingMs = [];
    return figures;
  },
};
process.on('message', async ({ n, what, about }) => process.send({ n, answer: await asks[what](about) }));
process.on('disconnect', () => process.exit());
process.send({ isReady: true });
