import { connect } from 'node:net';
import type { CloseReason } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { pace, until } from '../../../test/support/until.js';
import type { Client } from './support/client.js';
import { upgradeRequest } from './support/raw.js';
import { Stage } from './support/stage.js';

const clock = fakeClock();
let stage: Stage;
const start = async (given: Parameters<typeof Stage.start>[0] = {}) =>
  (stage = await Stage.start({ ...given, tracker: { clock }, options: { clock, ...given.options } }));
afterEach(() => stage.stop());
const session = () => stage.tracker.list()[0]!;
const reason = (): CloseReason | undefined => stage.tracker.list()[0]?.closeReason;

async function enter(path?: string): Promise<Client> {
  const client = stage.connect(path);
  await until('it is let in', () => client.isOpen && stage.wss.clients.size === 1);
  return client;
}

/** Seconds pass, and each time the client has answered what it was asked. */
async function passes(seconds: number, meanwhile: () => unknown = () => undefined): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1_000);
    await meanwhile();
  }
}

describe('bytes', () => {
  it('are those of the frames both ways, without the upgrade', async () => {
    await start();
    const client = await enter();
    const [ws] = [...stage.wss.clients];
    let heard = 0;
    ws!.on('message', (data: Buffer) => (heard += data.length));
    ws!.send(Buffer.alloc(1_000)); // a head of four bytes
    client.ws.send(Buffer.alloc(100)); // six, for it is masked
    await until('both have arrived', () => heard === 100 && client.received === 1_000);
    clock.advance(1_000);
    expect(session()).toMatchObject({ bytes: 1_004, bytesReceived: 106 });
  });

  it('are those that are sent, if messages are compressed', async () => {
    await start({ server: { perMessageDeflate: { threshold: 0 } } });
    const client = await enter();
    const before = client.socket.bytesRead;
    [...stage.wss.clients][0]!.send(Buffer.alloc(100_000));
    await until('it has arrived', () => client.received === 100_000);
    clock.advance(1_000);
    expect(session().bytes).toBe(client.socket.bytesRead - before);
    expect(session().bytes).toBeLessThan(1_000);
  });

  it('are never fewer than arrived, even over TLS, where a kick also gets through', async () => {
    await start({ secure: true });
    const client = await enter();
    const [ws] = [...stage.wss.clients];
    ws!.send(Buffer.alloc(300_000));
    client.ws.send(Buffer.alloc(100));
    await until('it has arrived', () => client.received === 300_000);
    clock.advance(1_000);
    expect(session()).toMatchObject({ bytes: 300_010, bytesReceived: 106, secure: true });
    stage.tracker.kick(session().id);
    await client.ended;
    expect(client.closed?.code).toBe(4403);
  });

  it('include those that came together with the request', async () => {
    await start();
    const frame = Buffer.from([0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]);
    const socket = connect(stage.port, '127.0.0.1');
    socket.write(Buffer.concat([upgradeRequest('/live/cam1'), frame]));
    await until('it is let in', () => stage.wss.clients.size === 1);
    clock.advance(1_000);
    expect(session().bytesReceived).toBe(frame.length);
    socket.destroy();
  });
});

describe('silence', () => {
  it('is broken by a ping after half of the timeout, which a live peer answers', async () => {
    await start({ options: { silenceTimeoutMs: 60_000 } });
    const client = await enter();
    const [ws] = [...stage.wss.clients];
    const asked = jest.spyOn(ws!, 'ping');
    let pongs = 0;
    ws!.on('pong', () => pongs++);
    await passes(150, () => until('it is answered', () => pongs === asked.mock.calls.length));
    expect(client.pings).toBeGreaterThanOrEqual(4);
    expect(client.pings).toBeLessThanOrEqual(6);
    expect(reason()).toBeUndefined();
  });

  it('of a peer that does not answer ends the session as gone: the connection is half-open', async () => {
    await start({ options: { silenceTimeoutMs: 60_000 } });
    const client = await enter();
    client.socket.pause(); // the kernel holds the connection, and nobody is there
    await passes(29);
    expect(reason()).toBeUndefined();
    await passes(32);
    expect(reason()).toBe('client_gone');
    await until('the server has let go of it', () => stage.wss.clients.size === 0);
  });

  it('does not count while the app has paused the connection, nor when the timeout is off', async () => {
    await start({ options: { silenceTimeoutMs: 10_000 } });
    await enter();
    const [ws] = [...stage.wss.clients];
    ws!.pause();
    await passes(30);
    expect(reason()).toBeUndefined();
    ws!.resume();
    await stage.stop();
    await start({ options: { silenceTimeoutMs: 0 } });
    const client = await enter();
    client.socket.pause();
    await passes(600);
    expect([reason(), client.pings]).toEqual([undefined, 0]);
  });
});

describe('a client that takes nothing', () => {
  const fill = async (): Promise<void> => {
    const [ws] = [...stage.wss.clients];
    const chunk = Buffer.alloc(1024 * 1024);
    for (let sent = 0; sent < 64 && ws!.bufferedAmount === 0; sent++) {
      ws!.send(chunk);
      await new Promise(setImmediate);
    }
    await until('it waits', () => ws!.bufferedAmount > 0);
    let before = -1;
    // what the kernel still takes
    await until('nothing moves', async () => {
      const now = ws!.bufferedAmount;
      await pace(50);
      return before === now || void (before = now);
    });
  };

  it('is stalled when its bufferedAmount has not shrunk for the timeout', async () => {
    await start({ options: { stallTimeoutMs: 5_000 } });
    const client = await enter();
    client.socket.pause();
    await fill();
    await passes(4);
    expect(reason()).toBeUndefined();
    await passes(3);
    expect(reason()).toBe('stalled');
    await until('the server has let go of it', () => stage.wss.clients.size === 0);
    expect(session().bytes).toBeGreaterThan(0);
  });

  it('is cut without a message when kicked, because the message would come after everything that waits', async () => {
    await start();
    const client = await enter();
    client.socket.pause();
    await fill();
    stage.tracker.kick(session().id);
    client.socket.resume();
    await client.ended;
    expect(client.closed?.code).toBe(1006);
    expect(session().bytes).toBeGreaterThanOrEqual(client.received);
  });
});
