/**
 * What the RTMP adapter costs: node-media-server relaying to 500 HTTP-FLV players at 2 Mbit/s with it against without, and the
 * shared sampler with 10,000 idle connections. PLAYERS, SECONDS and PAIRS make it shorter.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { PassThrough } from 'node:stream';
import NodeMediaServer from 'node-media-server';
import context from 'node-media-server/src/core/context.js';
import logger from 'node-media-server/src/core/logger.js';
import { createTracker } from '@stream-sessions/core';
import { samplerOf } from '@stream-sessions/core/spi';
import { attachRtmp } from '@stream-sessions/rtmp-adapter';
import { freePort, median, memoryInUse, ms, table } from './lib.mjs';

const PLAYERS = Number(process.env.PLAYERS ?? 500);
const SECONDS = Number(process.env.SECONDS ?? 6);
const PAIRS = Number(process.env.PAIRS ?? 5);
const CONNECTIONS = 10_000;
logger.log = () => undefined;
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function ask(server) {
  server.send('cpu');
  const [{ cpu, viewers }] = await once(server, 'message');
  return { cpuMs: (cpu.user + cpu.system) / 1000, viewers };
}

/** CPU of the server process per second, in percent of a core. */
async function relay(mode) {
  const [rtmp, http] = [await freePort(), await freePort()];
  const server = fork(new URL('rtmp-server.mjs', import.meta.url), [rtmp, http, mode], { execArgv: [] });
  await once(server, 'message');
  await pause(1);
  let bytes = 0;
  const requests = Array.from({ length: PLAYERS }, () => {
    const request = get({ port: http, host: '127.0.0.1', path: '/live/bench.flv', agent: false }, (res) =>
      res.on('data', (data) => (bytes += data.length)).on('error', () => undefined),
    );
    return request.on('error', () => undefined);
  });
  await pause(3);
  const [before, bytesBefore, since] = [await ask(server), bytes, performance.now()];
  await pause(SECONDS);
  const [after, elapsedMs] = [await ask(server), performance.now() - since];
  const mbits = ((bytes - bytesBefore) * 8) / elapsedMs / 1000;
  if (mbits < PLAYERS * 1.5)
    throw new Error(`only ${mbits.toFixed(0)} Mbit/s arrived: the machine is too slow for this`);
  if (mode === 'tracked' && after.viewers !== PLAYERS) throw new Error(`${after.viewers} of ${PLAYERS} are tracked`);
  for (const request of requests) request.destroy();
  server.disconnect();
  await once(server, 'exit');
  return { cpu: ((after.cpuMs - before.cpuMs) / elapsedMs) * 100, mbits };
}

function sampler() {
  const tracker = createTracker({ autoStart: false });
  const own = samplerOf();
  const handles = Array.from({ length: CONNECTIONS }, (_, i) => {
    const { handle } = tracker.admit({
      stream: `s${i % 100}`,
      protocol: 'rtmp',
      remoteAddress: `10.0.${i >> 8}.${i & 255}`,
    });
    return handle;
  });
  const sockets = handles.map(() => ({ bytesWritten: 0 }));
  const before = memoryInUse();
  const destroy = () => undefined;
  handles.forEach((handle, i) => {
    const socket = sockets[i];
    own.add({ handle, destroy, counters: { sent: () => socket.bytesWritten, received: () => 0, waiting: () => 0 } });
  });
  const heap = (memoryInUse() - before) / CONNECTIONS;
  const ticks = Array.from({ length: 300 }, () => {
    const since = performance.now();
    own.sample();
    return performance.now() - since;
  });
  return { heap, tick: median(ticks.slice(100)) };
}

/** Heap of our own objects for one idle player: of the tracker alone, and with the adapter. The server's session is a stand-in. */
function connections() {
  const nms = new NodeMediaServer({ rtmp: { port: 1 }, http: { port: 2 } }); // never run
  const tracker = createTracker();
  const attachment = attachRtmp(nms, tracker, { guard: false });
  const broadcast = { publisher: null, subscribers: new Map() };
  const sessions = Array.from({ length: CONNECTIONS }, (_, i) => {
    const socket = new PassThrough();
    Object.assign(socket, { remoteAddress: `10.1.${i >> 8}.${i & 255}`, bytesWritten: 0, bytesRead: 0 });
    socket.on('close', () => undefined);
    const rtmp = { streamId: 1, connectCmdObj: { flashVer: 'LNX 9,0,124,2' } };
    const server = {
      id: `${i}`,
      streamPath: `/live/s${i % 100}`,
      streamQuery: {},
      broadcast,
      sendBuffer: () => undefined,
    };
    return { ...server, protocol: 'rtmp', socket, rtmp };
  });
  const before = memoryInUse();
  for (const session of sessions) context.eventEmitter.emit('postPlay', session);
  const heap = (memoryInUse() - before) / CONNECTIONS;
  if (tracker.count({ kind: 'viewer' }) !== CONNECTIONS) throw new Error('not all were seen');
  void attachment.detach();
  return heap;
}

function sessionsAlone() {
  const tracker = createTracker();
  const before = memoryInUse();
  const handles = Array.from({ length: CONNECTIONS }, (_, i) => {
    const [stream, remoteAddress] = [`s${i % 100}`, `10.2.${i >> 8}.${i & 255}`];
    return tracker.admit({ stream, remoteAddress, protocol: 'rtmp', userAgent: 'LNX 9,0,124,2', query: '', url: '/' });
  });
  return (memoryInUse() - before) / handles.length;
}

const { heap, tick } = sampler();
const alone = sessionsAlone();
const whole = connections();
table([
  [`${CONNECTIONS} idle connections`, 'measured', 'aim'],
  ['one tick of the sampler', ms(tick), '0.7 ms'],
  ['heap of the sampler, per connection', `${heap.toFixed(0)} bytes`, ''],
  ['heap of the adapter with the sampler', `${(whole - alone).toFixed(0)} bytes`, '1024 bytes'],
  ['heap of the session in the tracker', `${alone.toFixed(0)} bytes`, ''],
]);

const ratios = [];
const rows = [[`${PLAYERS} players, CPU of a core`, 'without', 'with', 'ratio']];
for (let pair = 1; pair <= PAIRS; pair++) {
  const order = pair % 2 ? ['bare', 'tracked'] : ['tracked', 'bare'];
  const result = {};
  for (const mode of order) result[mode] = await relay(mode);
  ratios.push(result.tracked.cpu / result.bare.cpu);
  const percent = ({ cpu, mbits }) => `${cpu.toFixed(1)} % (${mbits.toFixed(0)} Mbit/s)`;
  rows.push([`pair ${pair}`, percent(result.bare), percent(result.tracked), ratios.at(-1).toFixed(3)]);
}
rows.push(['median', '', 'aim 1.05', median(ratios).toFixed(3)]);
table(rows);
