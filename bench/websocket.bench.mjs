/**
 * What the WebSocket adapter costs: the CPU of a relay to 500 clients at 1 Mbit/s with and without it, the memory and the time of
 * 10,000 idle sockets, and how soon a kick is felt. CLIENTS, IDLE, SECONDS and ROUNDS make it shorter.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { median, ms, table } from './lib.mjs';

const CLIENTS = Number(process.env.CLIENTS ?? 500);
const IDLE = Number(process.env.IDLE ?? 10_000);
const SECONDS = Number(process.env.SECONDS ?? 6);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const start = (file, ...args) => fork(new URL(file, import.meta.url), args.map(String), { execArgv: ['--expose-gc'] });

async function ask(child, what) {
  child.send(what);
  const [answer] = await once(child, 'message');
  return answer;
}

/** A server and its clients for the time of `measure`. */
async function running(serverArgs, count, measure) {
  const server = start('websocket-server.mjs', ...serverArgs);
  const [{ port }] = await once(server, 'message');
  const empty = await ask(server, 'memory');
  const clients = start('websocket-clients.mjs', port, count);
  await once(clients, 'message');
  await pause(3); // until what has just been compiled is no longer a part of it
  const result = await measure(server, clients, empty);
  clients.disconnect();
  await once(clients, 'exit');
  server.disconnect();
  await once(server, 'exit');
  return result;
}

const relay = (adapter) =>
  running([adapter], CLIENTS, async (server, clients) => {
    const [before, had, since] = [await ask(server, 'cpu'), await ask(clients, '?'), performance.now()];
    await pause(SECONDS);
    const [after, has, elapsedMs] = [await ask(server, 'cpu'), await ask(clients, '?'), performance.now() - since];
    if (after.viewers !== (adapter === 'with' ? CLIENTS : 0)) throw new Error(`${after.viewers} are tracked`);
    const mbits = ((has.received - had.received) * 8) / elapsedMs / 1000;
    if (mbits < CLIENTS * 0.9)
      throw new Error(`only ${mbits.toFixed(0)} Mbit/s arrived: the machine is too slow for this`);
    const { user, system } = after.cpu;
    return (user + system - before.cpu.user - before.cpu.system) / 1000 / elapsedMs;
  });

const idle = (adapter) =>
  running([adapter, 'idle'], IDLE, async (server, _clients, empty) => {
    const full = await ask(server, 'memory');
    if (full.clients !== IDLE) throw new Error(`${full.clients} of ${IDLE} are connected`);
    const kicks = adapter === 'with' ? (await ask(server, 'kick')).kickMs : [];
    return { each: (full.bytes - empty.bytes) / IDLE, readingMs: full.readingMs, ticks: full.ticks.slice(-40), kicks };
  });

const rounds = [];
for (let round = 0; round < ROUNDS; round++)
  rounds.push({ without: await relay('without'), with: await relay('with') });
const percent = (share) => `${(share * 100).toFixed(1)} %`;
table([
  [`${CLIENTS} clients at 1 Mbit/s`, 'CPU without', 'CPU with', 'ratio', 'aim'],
  ...rounds.map((each, i) => [
    `round ${i + 1}`,
    percent(each.without),
    percent(each.with),
    (each.with / each.without).toFixed(3),
    '',
  ]),
  ['median', '', '', median(rounds.map((each) => each.with / each.without)).toFixed(3), '1.05'],
]);

const [bare, tracked] = [await idle('without'), await idle('with')];
table([
  [`${IDLE} idle sockets`, 'measured', 'aim'],
  ['memory of one without the adapter', `${bare.each.toFixed(0)} B`, ''],
  ['more with it, session included', `${(tracked.each - bare.each).toFixed(0)} B`, '1200 B'],
  ['CPU of a reading of all, once a second', ms(tracked.readingMs), ''],
  ['… of a tick, which reads a part: median', ms(median(tracked.ticks)), '1 ms'],
  ['… the longest of the last two seconds', ms(Math.max(...tracked.ticks)), ''],
  ['from a kick to the end: median', ms(median(tracked.kicks)), '50 ms'],
  ['… the slowest of 50', ms(Math.max(...tracked.kicks)), '50 ms'],
]);
