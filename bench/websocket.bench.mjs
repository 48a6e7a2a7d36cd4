/**
 * What the WebSocket adapter costs: the CPU of a relay to 500 clients at 1 Mbit/s with and without it, the memory and the time of
 * 10,000 idle sockets, and how soon a kick is felt. CLIENTS, IDLE and TURNS make it shorter.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { median, ms, table } from './lib.mjs';

const CLIENTS = Number(process.env.CLIENTS ?? 500);
const IDLE = Number(process.env.IDLE ?? 10_000);
const TURNS = Number(process.env.TURNS ?? 30);
const start = (file, ...args) => fork(new URL(file, import.meta.url), args.map(String), { execArgv: ['--expose-gc'] });

async function ask(child, what) {
  child.send(what);
  const [answer] = await once(child, 'message');
  return answer;
}

/** Servers and their clients for the time of `measure`. */
async function running(serverArgs, count, measure) {
  const server = start('websocket-server.mjs', ...serverArgs);
  const [{ ports }] = await once(server, 'message');
  const empty = await ask(server, 'memory');
  const clients = ports.map((port) => start('websocket-clients.mjs', port, count));
  await Promise.all(clients.map((each) => once(each, 'message')));
  const result = await measure(server, clients, empty);
  for (const child of [...clients, server]) {
    child.disconnect();
    await once(child, 'exit');
  }
  return result;
}

/** The ratios of the turns, and what the sampler's ticks take, in shares of a core. */
const relay = () =>
  running(['relay'], CLIENTS, async (server, clients) => {
    // until what has just been compiled is no longer a part of it
    for (let turn = 0; turn < 3; turn++) await ask(server, 'turns');
    const had = await Promise.all(clients.map((each) => ask(each, '?')));
    const turns = [];
    for (let turn = 0; turn < TURNS; turn++) turns.push(await ask(server, 'turns'));
    const has = await Promise.all(clients.map((each) => ask(each, '?')));
    for (const [i, { received }] of has.entries()) {
      const arrived = ((received - had[i].received) * 8) / 1e6 / TURNS;
      if (arrived < CLIENTS * 0.95) throw new Error(`only ${arrived.toFixed(0)} Mbit arrived in a turn`);
    }
    if (turns.at(-1).viewers !== CLIENTS) throw new Error(`${turns.at(-1).viewers} are tracked`);
    return turns.map(({ shares: [bare, tracked] }) => ({
      bare: bare.relay,
      tracked: tracked.relay + tracked.ticks,
      ticks: tracked.ticks,
    }));
  });

const idle = (adapter) =>
  running(['idle', adapter], IDLE, async (server, _clients, empty) => {
    const full = await ask(server, 'memory');
    if (full.clients !== IDLE) throw new Error(`${full.clients} of ${IDLE} are connected`);
    const kicks = adapter === 'with' ? (await ask(server, 'kick')).kickMs : [];
    return { each: (full.bytes - empty.bytes) / IDLE, readingMs: full.readingMs, ticks: full.ticks.slice(-40), kicks };
  });

const percent = (share) => `${(share * 100).toFixed(2)} %`;
const turns = await relay();
const of = (read) => median(turns.map(read));
table([
  [`${CLIENTS} clients at 1 Mbit/s, medians of ${TURNS} turns`, 'measured', 'aim'],
  ['of a core, without the adapter', percent(of(({ bare }) => bare)), ''],
  ['with it, its sampler included', percent(of(({ tracked }) => tracked)), ''],
  ['the sampler alone', percent(of(({ ticks }) => ticks)), ''],
  ['ratio of two turns, one after the other', of(({ bare, tracked }) => tracked / bare).toFixed(3), '1.05'],
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
