/**
 * One of four nodes is killed; they have a million visits together. How long until nothing of it is listed or counted any more, and until
 * each of its visits has been reported as closed, with the longest command of Redis and the longest stall of a living node meanwhile.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from './lib.mjs';
import { everyAnswer, NODES, slowCommands, startCluster, watchSlow } from './cluster-nodes.mjs';

const VISITS = Number(process.env.COUNT ?? 1_000_000);
const EACH = VISITS / NODES;
const LEASE_MS = 10_000;

const { nodes, aside, cpu, end } = await startCluster({ idleTimeoutMs: 3_600_000 });
await everyAnswer(nodes, 'fill', (n) => ({ from: n * EACH, count: EACH }));
await everyAnswer(nodes, 'watchStalls');
await sleep(5_000);
const [dead, ...living] = nodes;
const count = async () => (await living[0].ask('count', { status: 'active' })).count;
if ((await count()) !== VISITS) throw new Error('not all have opened');

await watchSlow(aside, 1_000);
await everyAnswer(living, 'figures');
await sleep(2_000);
const idleStall = Math.max(...(await everyAnswer(living, 'figures')).map(({ stall }) => stall));
const idleSlow = Math.max(0, ...(await slowCommands(aside)).map(({ ms }) => ms));
await watchSlow(aside, 1_000);

const killedAt = performance.now();
dead.child.kill('SIGKILL');
await once(dead.child, 'exit');
const before = cpu();
const at = {};
const note = (what) => (at[what] ??= performance.now() - killedAt);
const isListed = async (n) => {
  const { nodes: names, partial } = await living[n % living.length].ask('list', {
    stream: `cam${n % 1000}`,
    limit: 100,
  });
  return names.includes(dead.name) || partial;
};
for (let n = 0, reported = 0; reported < EACH || at.counted === undefined; n++) {
  if (at.unlisted === undefined && !(await isListed(n))) note('unlisted');
  if (at.counted === undefined && (await count()) === VISITS - EACH) note('counted');
  reported = (await everyAnswer(living, 'closed')).reduce((sum, each) => sum + each, 0);
  if (reported > 0) note('first');
  if (reported >= EACH) note('reported');
  if (performance.now() - killedAt > 120_000) break;
  await sleep(20);
}
const used = cpu();
const stall = Math.max(...(await everyAnswer(living, 'figures')).map((each) => each.stall));
const slow = (await slowCommands(aside)).sort((a, b) => b.ms - a.ms);
const s = (ms) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`);
const target = `<= ${(LEASE_MS + 5_000) / 1000} s`;
table([
  [`${VISITS} visits, ${EACH} of them on the node that is killed`, 'measured', 'target'],
  ['not listed any more', s(at.unlisted), target],
  ['the first reported as closed', s(at.first), ''],
  ['not counted any more', s(at.counted), target],
  ['all reported as closed', s(at.reported), target],
  ['longest command of Redis', `${(slow[0]?.ms ?? 0).toFixed(1)} ms (before: ${idleSlow.toFixed(1)} ms)`, '<= 10 ms'],
  ['longest stall of a living node', `${stall.toFixed(1)} ms (before: ${idleStall.toFixed(1)} ms)`, ''],
  ['processor time of the nodes', s(1000 * (used.nodes - before.nodes)), ''],
  ['of Redis', s(1000 * (used.redis - before.redis)), ''],
]);
for (const { ms, args } of slow.slice(0, 5)) console.log(ms, args);
await end();
