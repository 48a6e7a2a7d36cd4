/**
 * What the SRT relay takes: one publisher and 100 players at 5 Mbit/s, with a tracker and statistics on. PLAYERS, MBITS and
 * SECONDS make it smaller.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { table } from './lib.mjs';

const PLAYERS = Number(process.env.PLAYERS ?? 100);
const MBITS = Number(process.env.MBITS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 10);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const start = (file, ...args) => fork(new URL(file, import.meta.url), args.map(String), { execArgv: [] });

async function ask(child) {
  child.send('?');
  const [answer] = await once(child, 'message');
  return answer;
}

const server = start('srt-server.mjs');
const [{ port }] = await once(server, 'message');
const clients = start('srt-clients.mjs', port, PLAYERS, MBITS);
await once(clients, 'message');
await pause(2);

const [before, sentBefore, since] = [await ask(server), await ask(clients), performance.now()];
await pause(SECONDS);
const [after, sentAfter, elapsedMs] = [await ask(server), await ask(clients), performance.now() - since];
if (after.viewers !== PLAYERS) throw new Error(`${after.viewers} of ${PLAYERS} players are tracked`);

const mbits = ((sentAfter.received - sentBefore.received) * 1316 * 8) / elapsedMs / 1000;
if (mbits < PLAYERS * MBITS * 0.95)
  throw new Error(`only ${mbits.toFixed(0)} Mbit/s arrived: the machine is too slow for this`);
const cpu = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1000 / elapsedMs;
const busy = (after.active - before.active) / (after.active - before.active + after.idle - before.idle);
const percent = (share) => `${(share * 100).toFixed(1)} %`;
table([
  [`${PLAYERS} players at ${MBITS} Mbit/s`, 'measured', 'aim'],
  ['arrived', `${mbits.toFixed(0)} Mbit/s`, `${PLAYERS * MBITS} Mbit/s`],
  ['CPU of one core, all threads', percent(cpu), '45 %'],
  ['event loop busy', percent(busy), '10 %'],
  ['packets lost', sentAfter.missed + after.dropped, 0],
  ['memory', `${(after.rss / 1024 / 1024).toFixed(0)} MB`, ''],
]);

clients.disconnect();
await once(clients, 'exit');
server.disconnect();
await once(server, 'exit');
