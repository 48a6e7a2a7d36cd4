import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { createTracker, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { createSrtServer, type SrtServer, type SrtServerOptions } from '../src/index.js';
import { readRequest } from '../src/protocol/request.js';
import { Caller, type CallOptions } from './support/caller.js';
import { LiveTransmit } from './support/live-transmit.js';
import { pace, until } from '../../../test/support/until.js';

let tracker: SessionTracker;
let server: SrtServer;
let honest: Caller;
let verdict: () => Verdict | Promise<Verdict> = () => ({ allow: true });
const clients = new Set<{ drop(): unknown }>();
const died: unknown[] = [];
const note = (error: unknown): void => void died.push(error);

const call = (streamId: string, options: CallOptions = {}): Caller => {
  const caller = new Caller(server.port, streamId, { passphrase, ...options });
  clients.add(caller);
  return caller;
};
let passphrase: string | undefined;

async function start(options: Partial<SrtServerOptions> = {}): Promise<void> {
  verdict = () => ({ allow: true });
  const mayIn = {
    name: 'door',
    admit: ({ token }: { token?: string | undefined }) => (token === 'ask' ? verdict() : ({ allow: true } as const)),
  };
  tracker = createTracker({ policies: [mayIn] });
  passphrase = options.passphrase;
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker, ...options });
  (await call('#!::r=cam1,m=publish').connects()).publish();
  await until('it is listed', () => active() === 1);
  honest = call('cam1');
  await until('the honest one plays', () => honest.received > 0);
}

const playsOn = async (): Promise<void> => {
  const then = honest.received;
  await until('the honest one plays on', () => honest.received > then + 20_000);
};
const active = () => tracker.count({ status: 'active' });

beforeAll(() => process.on('uncaughtException', note));
afterAll(() => process.off('uncaughtException', note));
afterEach(async () => {
  const dropped = Promise.all([...clients].map((client) => client.drop()));
  clients.clear();
  await server.close();
  await tracker.stop();
  await dropped;
  expect(died).toEqual([]);
});

/** SRT's handshake: the first one, or the one that asks for a connection, with whatever in it. */
function handshake(version: number, type: number, cookie: number, extra = Buffer.alloc(0)): Buffer {
  const packet = Buffer.alloc(64);
  packet.writeUInt32BE(0x80000000, 0);
  packet.writeUInt32BE(version, 16);
  packet.writeUInt16BE(0x4a17, 22);
  packet.writeUInt32BE(1500, 28);
  packet.writeUInt32BE(8192, 32);
  packet.writeInt32BE(type, 36);
  packet.writeUInt32BE(1 + Math.floor(Math.random() * 0x3fffffff), 40);
  packet.writeUInt32BE(cookie, 44);
  packet.set([1, 0, 0, 127], 48);
  return Buffer.concat([packet, extra]);
}

it('the server survives a hundred bad handshakes a second, and none of them is a session', async () => {
  await start();
  const opened = tracker.stats().openedTotal;
  const before = process.memoryUsage().rss;
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let answers = 0;
  socket.on('message', () => answers++);
  const junk = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(Math.random() * 256)));
  const kinds = [
    () => handshake(4, 1, 0), // an honest beginning, and then nothing
    () => handshake(5, -1, 12345), // a cookie that nobody gave
    () => handshake(5, -1, 12345, junk(600)),
    () => handshake(0xffffffff, -1, 0xffffffff, junk(7)),
    () => handshake(4, 1, 0).subarray(0, 40),
    () => junk(1 + Math.floor(Math.random() * 1400)),
    () => Buffer.alloc(0),
  ];
  for (let i = 0; i < 300; i++) {
    socket.send(kinds[i % kinds.length]!(), server.port, '127.0.0.1');
    if (i % 10 === 9) await pace(100);
  }
  socket.close();
  expect(answers).toBeGreaterThan(0); // they did arrive
  await playsOn();
  expect(tracker.stats().openedTotal).toBe(opened);
  expect(server.connections()).toHaveLength(2);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});

describe('stream ids', () => {
  it('of any text are read or refused, and never throw', async () => {
    await start();
    const anything = fc.oneof(
      fc.string({ maxLength: 512, unit: 'binary' }),
      fc.string({ maxLength: 500 }).map((text) => `#!::${text}`),
      fc
        .array(fc.tuple(fc.constantFrom('r', 'm', 't', 'u', 'token', '__proto__', ''), fc.string({ maxLength: 30 })))
        .map((pairs) => `#!::${pairs.map((pair) => pair.join('=')).join(',')}`),
    );
    fc.assert(
      fc.property(anything, (streamId) => {
        const request = readRequest(streamId);
        if (typeof request === 'number') return request === 1400 || request === 1405;
        expect(request.stream.length).toBeGreaterThan(0);
        expect(request.stream.length).toBeLessThanOrEqual(256);
        return request.kind === 'viewer' || request.kind === 'input';
      }),
      { numRuns: 2_000 },
    );
  });

  it('of 512 arbitrary bytes open at most the session that they ask for', async () => {
    await start();
    const bytes = (fill: (i: number) => number) =>
      Buffer.from(Array.from({ length: 512 }, (_, i) => fill(i))).toString('latin1');
    const ids = [
      'x'.repeat(512),
      '/'.repeat(512),
      '',
      `#!::${'r=,'.repeat(169)}`.slice(0, 512),
      `#!::r=cam1,m=bidirectional`,
      `#!::m=publish`,
      `#!::r=live/,m=publish`,
      `cam1?token=${'t'.repeat(480)}`,
      bytes((i) => 1 + (i % 31)),
      ...Array.from({ length: 20 }, () => bytes(() => 1 + Math.floor(Math.random() * 255))),
    ];
    const listed = () => server.connections().length - 2;
    const strangers = ids.map((id) => call(Buffer.from(id).subarray(0, 512).toString()));
    // some name a stream that is not there, and wait for it
    const waiting = () => strangers.filter((each) => !each.ended);
    await until(
      'all are settled',
      () => waiting().every((each) => each.isConnected()) && listed() === waiting().length,
    );
    for (const session of tracker.list({ status: 'active' })) expect(session.stream).toMatch(/^\P{Cc}{1,256}$/u);
    expect(active()).toBe(server.connections().length);
    strangers.forEach((each) => each.drop());
    await until('they are gone', () => active() === 2);
    await playsOn();
  });
});

it('the server refuses callers with a wrong passphrase, or none', async () => {
  await start({ passphrase: 'the right passphrase' });
  const { openedTotal } = tracker.stats();
  const wrong = [call('cam1', { passphrase: 'a wrong passphrase' }), call('cam1', { passphrase: undefined })];
  await until('both are turned away', () => wrong.every(({ ended }) => ended));
  expect(wrong.map(({ received }) => received)).toEqual([0, 0]);
  expect(tracker.stats().openedTotal).toBe(openedTotal);
  expect(tracker.list({ status: 'active' }).every(({ secure }) => secure)).toBe(true);
  await playsOn();
});

it('the server notices that callers have vanished, even while a verdict on them is pending', async () => {
  await start();
  let asked = 0;
  let answer: (verdict: Verdict) => void = () => undefined;
  verdict = () => {
    asked++;
    return new Promise((resolve) => (answer = resolve));
  };
  const player = new LiveTransmit(server.port, 'cam1');
  const pending = new LiveTransmit(server.port, 'cam1?token=ask');
  clients.add(player).add(pending);
  await until('one plays and one waits', () => player.received() > 0 && asked === 1);
  expect(server.connections()).toHaveLength(4);
  player.process.kill('SIGKILL');
  pending.process.kill('SIGKILL');
  await until('both are gone', () => server.connections().length === 2);
  expect(active()).toBe(2);
  expect(pending.received()).toBe(0);
  answer({ allow: true }); // to nobody any more
  await playsOn();
});

it('media that a player does not take is dropped, the player is cut as stalled, and its neighbour loses nothing', async () => {
  await start({ stallTimeoutMs: 2_000 });
  const slow = call('cam1', { deaf: true, window: 32 });
  await until('it is listed', () => active() === 3);
  const { id } = tracker.list({ kind: 'viewer', status: 'active' })[1]!;
  const connection = server.connections()[2]!;
  await until('packets are dropped', () => (connection.statistics()?.packetsDropped ?? 0) > 0);
  const { bytesWaiting = 0 } = connection.statistics() ?? {};
  expect(bytesWaiting).toBeLessThan(2 * 1024 * 1024);
  await until('it is cut', () => slow.ended);
  expect(tracker.get(id)).toMatchObject({ closeReason: 'stalled' });
  expect(Number(tracker.get(id)!.tags['srt_packets_dropped'])).toBeGreaterThan(0);
  await playsOn();
  expect(server.connections()[1]!.statistics()).toMatchObject({ packetsDropped: 0 });
});

it('the server keeps no more for a player than its limit, whatever latency the player asks for', async () => {
  await start({ maxBufferBytes: 300_000 });
  const greedy = call('cam1', { deaf: true, window: 32, latencyMs: 20, asksLatencyMs: 60_000 });
  await until('it is there', () => server.connections().length === 3);
  const connection = server.connections()[2]!;
  await until('packets are dropped', () => (connection.statistics()?.packetsDropped ?? 0) > 100);
  expect(connection.statistics()!.bytesWaiting).toBeLessThan(330_000); // libsrt adds its headers
  expect(connection.bytesSent).toBeLessThan(500_000);
  expect(greedy.ended).toBe(false);
  await playsOn();
});

it('a player that waits for a silent publisher is not stalled', async () => {
  await start({ stallTimeoutMs: 1_000 });
  const patient = call('nothing-yet');
  await until('it is listed', () => active() === 3);
  const since = Date.now();
  await until('it has waited', () => Date.now() - since > 3_000);
  expect(patient.ended).toBe(false);
  expect(active()).toBe(3);
});

it('the server can be closed in the middle of everything', async () => {
  await start();
  verdict = () => pace(30).then(() => ({ allow: true }) as const);
  const storm = setInterval(() => {
    for (const id of ['cam1', 'cam1?token=ask', '#!::r=other,m=publish', '#!::m=nonsense']) {
      if (clients.size < 200) call(id).publish(id.includes('publish') ? 4 : 0);
    }
  }, 5);
  try {
    await until('the flood is on', () => active() > 30);
    const closed = server.close();
    void server.close();
    await closed;
  } finally {
    clearInterval(storm);
  }
  expect(server.connections()).toEqual([]);
  expect(active()).toBe(0);
  const reasons = new Set(tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason));
  reasons.delete('replaced'); // they all published the same stream
  expect(reasons).toEqual(new Set(['shutdown']));
  await until('everybody knows', () => [...clients].every((client) => (client as Caller).ended));
});

it('the server opens and closes two hundred times in one process, and leaves no thread behind', async () => {
  await start();
  await server.close();
  await Promise.all([...clients].map((client) => client.drop()));
  const threads = () => readdirSync('/proc/self/task').length;
  const before = threads();
  for (let i = 0; i < 200; i++) {
    server = createSrtServer({ host: '127.0.0.1', port: 0, tracker });
    const player = i % 10 === 0 ? await call('cam1').connects() : undefined;
    await server.close();
    await player?.drop();
  }
  expect(active()).toBe(0);
  expect(threads()).toBeLessThanOrEqual(before);
});
