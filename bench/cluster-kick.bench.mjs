/**
 * From a call of kick to the last cut: of viewers who play on all four nodes, while each node has 100,000 others who ask for a segment
 * each six seconds, and 10,000 newcomers a second come, who go idle later. Without that load it is what the log itself takes. `ping`: a
 * question to all nodes that costs none of them anything, over the same path.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from './lib.mjs';
import { everyAnswer, NODES, percentile, startCluster } from './cluster-nodes.mjs';

const VIEWERS = Number(process.env.COUNT ?? 100_000);
const OPENINGS = Number(process.env.OPENINGS ?? 10_000);
const KICKS = Number(process.env.KICKS ?? 400);
const EVERY_MS = 50;
const STEADY_MS = 36_000;
const random = (n) => Math.floor(Math.random() * n);

const { nodes, cpu, end } = await startCluster();

/** Viewers with a part on every node: their ids. */
async function roaming(from, count) {
  const ids = await everyAnswer(nodes, 'fill', () => ({ from, count, isRoaming: true }));
  const same = Object.values(ids[0]);
  if (ids.some((each) => Object.values(each).some((id, i) => id !== same[i]))) throw new Error('not one visit each');
  return same;
}

async function measure(ids) {
  await everyAnswer(nodes, 'cuts');
  await everyAnswer(nodes, 'figures');
  const [kicks, pings] = [new Map(), []];
  const before = cpu();
  const begun = performance.now();
  const pending = ids.map(async (id, n) => {
    await sleep(n * EVERY_MS);
    kicks.set(id, await nodes[random(NODES)].ask('kick', id));
    pings.push((await nodes[random(NODES)].ask('ping')).tookMs);
  });
  await Promise.all(pending);
  const seconds = (performance.now() - begun) / 1000;
  const after = cpu();
  await sleep(200);
  const cuts = await everyAnswer(nodes, 'cuts');
  const figures = await everyAnswer(nodes, 'figures');
  const lasts = ids.map((id) => (Math.max(...cuts.map((each) => each[id] ?? Infinity)) - kicks.get(id).at) / 1e6);
  return {
    lasts,
    pings,
    confirmed: [...kicks.values()].map(({ tookMs }) => tookMs),
    openings: figures.flatMap(({ openingMs }) => openingMs),
    openedPerSecond: figures.reduce((sum, { openingMs }) => sum + openingMs.length, 0) / seconds,
    active: figures.map(({ active }) => active),
    unconfirmed: [...kicks.values()].filter(({ code, pending }) => code !== undefined || pending?.length > 0).length,
    processors: [after.nodes - before.nodes, after.redis - before.redis].map((used) => (used / seconds).toFixed(2)),
  };
}

const f = (value) => `${value.toFixed(1)} ms`;
const rows = [['', 'p50', 'p90', 'p99', 'most', 'target']];
const add = (name, values, target = '') =>
  rows.push([name, ...[0.5, 0.9, 0.99, 1].map((share) => f(percentile(values, share))), target]);

const idle = await measure(await roaming(1e8, KICKS));
add('no load: last cut', idle.lasts, 'p99 <= 10');
add('no load: confirmed', idle.confirmed);
add('no load: ping', idle.pings);

await everyAnswer(nodes, 'fill', (n) => ({ from: n * VIEWERS, count: VIEWERS }));
const load = (n) => ({ everyMs: 6_000, opensPerSecond: OPENINGS / NODES, from: (n + 10) * 1e7 });
const roamers = await roaming(2e8, KICKS);
await everyAnswer(nodes, 'load', load);
// until as many go as come
await sleep(STEADY_MS);
const busy = await measure(roamers);
add('under load: last cut', busy.lasts, 'p50 <= 10, p99 <= 200');
add('under load: confirmed', busy.confirmed);
add('under load: ping', busy.pings);
add('under load: an opening', busy.openings);
table(rows);
console.log(
  `${VIEWERS} viewers a node; live at the end: ${busy.active.join(', ')}; not confirmed: ${busy.unconfirmed}`,
);
console.log(
  `${busy.openedPerSecond.toFixed(0)} opened a second; ` +
    `processors busy with the nodes and with Redis: ${busy.processors.join(', ')}`,
);
await end();
