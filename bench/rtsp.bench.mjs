/**
 * What relaying RTSP costs: 100 players over TCP at 2 Mbit/s, tracked; and how quickly interleaved frames are parsed. PLAYERS,
 * SECONDS and ROUNDS make it shorter.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import path from 'node:path';
import { median, table } from './lib.mjs';

const PLAYERS = Number(process.env.PLAYERS ?? 100);
const SECONDS = Number(process.env.SECONDS ?? 6);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Asks to play in one go, and counts what comes. */
function player(port, onBytes) {
  const url = `rtsp://127.0.0.1:${port}/live/bench`;
  const socket = connect(port, '127.0.0.1');
  const ask = (method, uri, more = '') => `${method} ${uri} RTSP/1.0\r\nCSeq: 1\r\n${more}\r\n`;
  socket.write(
    ask('DESCRIBE', url) +
      ask('SETUP', `${url}/trackID=0`, 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n') +
      ask('PLAY', url),
  );
  socket.on('data', (data) => onBytes(data.length));
  socket.on('error', () => undefined);
  return socket;
}

async function relay() {
  const server = fork(new URL('rtsp-server.mjs', import.meta.url), [], { execArgv: [] });
  const [{ port }] = await once(server, 'message');
  let bytes = 0;
  const sockets = Array.from({ length: PLAYERS }, () => player(port, (added) => (bytes += added)));
  await pause(3);
  const ask = async () => {
    server.send('cpu');
    const [{ cpu, viewers }] = await once(server, 'message');
    return { cpuMs: (cpu.user + cpu.system) / 1000, viewers };
  };
  const [before, bytesBefore, since] = [await ask(), bytes, performance.now()];
  await pause(SECONDS);
  const [after, elapsedMs] = [await ask(), performance.now() - since];
  for (const socket of sockets) socket.destroy();
  server.disconnect();
  await once(server, 'exit');
  const mbits = ((bytes - bytesBefore) * 8) / elapsedMs / 1000;
  if (mbits < PLAYERS * 1.5) throw new Error(`only ${mbits.toFixed(0)} Mbit/s arrived: the machine is too slow`);
  if (after.viewers !== PLAYERS) throw new Error(`${after.viewers} of ${PLAYERS} are tracked`);
  return { cpu: ((after.cpuMs - before.cpuMs) / elapsedMs) * 100, mbits };
}

/** MB per second of frames of 1400 bytes, cut as sockets cut: anywhere, every 64 KiB. */
function parse() {
  const main = createRequire(import.meta.url).resolve('@stream-sessions/rtsp-adapter');
  const { RtspParser } = createRequire(import.meta.url)(path.join(path.dirname(main), 'protocol/parser.js'));
  const frame = Buffer.alloc(1404);
  frame.set([0x24, 0, 1400 >> 8, 1400 & 255]);
  const data = Buffer.concat(Array.from({ length: 4096 }, () => frame));
  let frames = 0;
  const parser = new RtspParser({ frame: () => frames++, request: () => undefined });
  const since = performance.now();
  const turns = 60;
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < data.length; at += 65_536) parser.write(data.subarray(at, at + 65_536));
  }
  const elapsedMs = performance.now() - since;
  if (frames !== turns * 4096) throw new Error(`${frames} frames were found`);
  return (turns * data.length) / elapsedMs / 1000;
}

const speeds = Array.from({ length: 5 }, parse);
table([
  ['interleaved frames', 'parsed', 'aim'],
  ['frames of 1400 bytes', `${median(speeds).toFixed(0)} MB/s`, '200 MB/s'],
]);

const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await relay());
table([
  [`${PLAYERS} players over TCP`, 'CPU of a core', 'arrived', 'aim'],
  ...rounds.map(({ cpu, mbits }, i) => [`round ${i + 1}`, `${cpu.toFixed(1)} %`, `${mbits.toFixed(0)} Mbit/s`, '']),
  ['median', `${median(rounds.map(({ cpu }) => cpu)).toFixed(1)} %`, '', '12 %'],
]);
