/**
 * What a dashboard asks, of four nodes with 100,000 viewers each: the first page of a hundred by stream, which a node keeps a list of from
 * the first question on, and by what it has to look for among all; counts by the same. The stalls are those of the four event loops,
 * measured by a timer of 1 ms, against what they are while nobody asks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from './lib.mjs';
import { everyAnswer, NODES, percentile, startCluster } from './cluster-nodes.mjs';

const VIEWERS = Number(process.env.COUNT ?? 100_000);
const QUESTIONS = Number(process.env.QUESTIONS ?? 100);
const STREAMS = 1_000;
const random = (n) => Math.floor(Math.random() * n);

const { nodes, end } = await startCluster({ idleTimeoutMs: 3_600_000 });
await everyAnswer(nodes, 'fill', (n) => ({ from: n * VIEWERS, count: VIEWERS }));
await everyAnswer(nodes, 'watchStalls');
await sleep(3_000);

const ms = (value) => `${value.toFixed(1)} ms`;
const rows = [['', 'answers', 'p50', 'p99', 'longest stall, p50', 'p99', 'most', 'target']];
const stalls = async () => Math.max(...(await everyAnswer(nodes, 'figures')).map(({ stall }) => stall));

/** `about`: of the n-th question. */
async function ask(name, what, about, target = '') {
  const [took, stalled, answers] = [[], [], []];
  for (let n = 0; n < QUESTIONS; n++) {
    await sleep(30);
    await stalls();
    const answer = await nodes[random(NODES)].ask(what, about(n));
    stalled.push(await stalls());
    took.push(answer.tookMs);
    answers.push(answer.rows ?? answer.count ?? 0);
    if (answer.partial) throw new Error(`${name}: not all nodes have answered`);
  }
  const [a, b, c] = [0.5, 0.99, 1].map((share) => ms(percentile(stalled, share)));
  rows.push([name, percentile(answers, 0.5), ms(percentile(took, 0.5)), ms(percentile(took, 0.99)), a, b, c, target]);
}

const idle = [];
for (let n = 0; n < QUESTIONS; n++) {
  await stalls();
  await sleep(30);
  idle.push(await stalls());
}
rows.push(['nobody asks', '', '', '', ...[0.5, 0.99, 1].map((share) => ms(percentile(idle, share))), '']);

const page = { limit: 100 };
const active = { status: 'active' };
const BY = {
  user: () => ({ user: `viewer-${random(10_000)}` }),
  ip: (n) => ({ ip: `10.0.${n & 255}.${random(256)}` }),
  country: (n) => ({ country: `C${n % 200}` }),
  protocol: () => ({ protocol: 'hls' }),
};
await ask('a question that costs nothing', 'ping', () => undefined);
const stream = (n) => ({ ...page, stream: `cam${(7 * n) % STREAMS}` });
await ask('page by stream, the first time', 'list', stream, 'p50 <= 10, p99 <= 20');
await ask('page by stream', 'list', stream, 'p50 <= 10, p99 <= 20');
for (const [name, filter] of Object.entries(BY)) {
  await ask(`page by ${name}`, 'list', (n) => ({ ...page, ...filter(n) }), '<= 50, stall <= 10');
}
for (const [name, filter] of Object.entries(BY)) {
  await ask(`count by ${name}`, 'count', (n) => ({ ...active, ...filter(n) }), '<= 50, stall <= 10');
}
table(rows);
await end();
