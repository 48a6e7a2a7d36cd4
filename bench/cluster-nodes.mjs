/** Four processes that are nodes of one cluster, on a Redis of their own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from './redis.mjs';

export const NODES = 4;

function startNode(port, name, options) {
  const args = [JSON.stringify({ port, name, ...options })];
  const execArgv = ['--max-old-space-size=4096', ...(process.env.NODE_ARGS ?? '').split(' ').filter(Boolean)];
  const child = fork(new URL('cluster-node.mjs', import.meta.url), args, { execArgv, serialization: 'advanced' });
  process.on('exit', () => child.kill('SIGKILL'));
  const waiting = new Map();
  let next = 0;
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`node ${name} has ended: ${code}`)));
    child.on('message', ({ n, answer, isReady }) => {
      if (isReady) resolve({ name, child, ask });
      waiting.get(n)?.(answer);
      waiting.delete(n);
    });
    const ask = (what, about) =>
      new Promise((done) => {
        waiting.set(next, done);
        child.send({ n: next++, what, about });
      });
  });
}

export async function startCluster(options = {}) {
  const redis = await startRedis();
  const names = Array.from({ length: NODES }, (_, n) => `node-${n}`);
  const nodes = await Promise.all(names.map((name) => startNode(redis.port, name, options)));
  while (!(await everyAnswer(nodes, 'nodes')).every(({ length }) => length === NODES)) await sleep(100);
  const aside = await redis.connect();
  return {
    nodes,
    aside,
    /** Seconds of processor time that the nodes and Redis have used. */
    cpu: () => ({
      nodes: nodes.reduce((sum, { child }) => sum + (child.connected ? cpuOf(child.pid) : 0), 0),
      redis: cpuOf(redis.pid),
    }),
    async end() {
      await Promise.all(
        nodes.map(({ child }) => {
          if (!child.connected) return;
          child.disconnect();
          return once(child, 'exit');
        }),
      );
      process.exit();
    },
  };
}

/** What all nodes answer. */
export const everyAnswer = (nodes, what, about = () => undefined) =>
  Promise.all(nodes.map((node, n) => node.ask(what, about(n))));

/** From now on Redis notes commands that take longer than this. */
export async function watchSlow(aside, us) {
  await aside.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', String(us)]);
  await aside.sendCommand(['CONFIG', 'SET', 'slowlog-max-len', '10000']);
  await aside.sendCommand(['SLOWLOG', 'RESET']);
}

/** What it has noted: milliseconds and the beginning of the command. */
export async function slowCommands(aside) {
  const noted = await aside.sendCommand(['SLOWLOG', 'GET', '-1']);
  return noted.map(([, , us, args]) => ({ ms: Number(us) / 1000, args: args.slice(0, 4).join(' ') }));
}

function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Of sorted or unsorted values. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
