/**
 * What the SRT relay takes: one publisher and 100 players at 5 Mbit/s, with a tracker and statistics on, and what libsrt takes
 * without any of ours, by turns. PLAYERS, MBITS, SECONDS and ROUNDS make it smaller.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { median, table } from './lib.mjs';

const PLAYERS = Number(process.env.PLAYERS ?? 100);
const MBITS = Number(process.env.MBITS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 10);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const start = (file, ...args) => fork(new URL(file, import.meta.url), args.map(String), { execArgv: [] });

async function ask(child) {
  child.send('?');
  const [answer] = await once(child, 'message');
  return answer;
}

/** What a relay takes while its players play. */
async function measure(file) {
  const server = start(file);
  const [{ port }] = await once(server, 'message');
  const clients = start('srt-clients.mjs', port, PLAYERS, MBITS);
  await once(clients, 'message');
  await pause(2);

  const [before, sentBefore, since] = [await ask(server), await ask(clients), performance.now()];
  await pause(SECONDS);
  const [after, sentAfter, elapsedMs] = [await ask(server), await ask(clients), performance.now() - since];
  for (const child of [clients, server]) {
    child.disconnect();
    await once(child, 'exit');
  }

  if (after.viewers !== PLAYERS) throw new Error(`${after.viewers} of ${PLAYERS} players are connected`);
  const mbits = ((sentAfter.received - sentBefore.received) * 1316 * 8) / elapsedMs / 1000;
  if (mbits < PLAYERS * MBITS * 0.95)
    throw new Error(`only ${mbits.toFixed(0)} Mbit/s arrived: the machine is too slow for this`);
  const cpu = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1000 / elapsedMs;
  const busy = (after.active - before.active) / (after.active - before.active + after.idle - before.idle);
  return { mbits, cpu, busy, lost: sentAfter.missed + after.dropped, rss: after.rss };
}

const [ours, bare] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  bare.push(await measure('srt-bare-server.mjs'));
  ours.push(await measure('srt-server.mjs'));
}
const middle = (runs, what) => median(runs.map((run) => run[what]));
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const row = (name, what, text, aim) => [name, text(middle(ours, what)), text(middle(bare, what)), aim];
table([
  [`${PLAYERS} players at ${MBITS} Mbit/s`, 'relay', 'libsrt alone', 'aim'],
  row('arrived', 'mbits', (mbits) => `${mbits.toFixed(0)} Mbit/s`, `${PLAYERS * MBITS} Mbit/s`),
  row('CPU of one core, all threads', 'cpu', percent, '1.08 x'),
  row('event loop busy', 'busy', percent, '10 %'),
  row('packets lost', 'lost', String, 0),
  row('memory', 'rss', (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MB`, ''),
]);
console.log(`CPU: ${(middle(ours, 'cpu') / middle(bare, 'cpu')).toFixed(3)} x of libsrt alone`);
