import type { Socket } from 'node:net';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { startMuteProxy, type MuteProxy } from './support/mute-proxy.js';
import { packet, RtspClient } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';

/** The rows of docs/silence.md. */
let clock: FakeClock;
let tracker: SessionTracker;
let server: RtspServer;
let proxy: MuteProxy;
const clients: RtspClient[] = [];

beforeEach(async () => {
  clock = fakeClock(Date.now());
  tracker = createTracker({ clock });
  server = createRtspServer({ tracker, clock });
  proxy = await startMuteProxy((await server.listen(0, '127.0.0.1')).port);
});

afterEach(async () => {
  clients.splice(0).forEach((client) => client.drop());
  proxy.stop();
  await server.close();
  await tracker.stop();
});

/** Behind the network that is going to be gone, or not. */
function client(port: number, over: 'tcp' | 'udp' = 'tcp'): RtspClient {
  const made = new RtspClient(port, { over });
  clients.push(made);
  return made;
}
const here = (): number => server.address()!.port;
const reasons = (kind: 'viewer' | 'input') => tracker.list({ kind }).map(({ closeReason }) => closeReason);

/** Seconds go by, and in each of them this happens. */
async function pass(seconds: number, each: () => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await each();
    clock.advance(1_000);
  }
}

/** Something comes from the publisher and reaches the player, so that every second has something in it. */
const flow = (publisher: RtspClient, player: RtspClient) => async () => {
  const before = player.mediaBytes;
  publisher.send(0, packet(1));
  while (player.mediaBytes === before) await new Promise((resolve) => setImmediate(resolve));
};

async function publish(port: number, over: 'tcp' | 'udp' = 'tcp'): Promise<RtspClient> {
  const publisher = client(port, over);
  expect((await publisher.publish('/live/cam1')).status).toBe(200);
  publisher.fallSilent();
  return publisher;
}

describe.each(['tcp', 'udp'] as const)('a publisher over %s whose network is gone', (over) => {
  it('is closed as client_gone when not heard of for the session timeout, and its stream is off air', async () => {
    await publish(proxy.port, over);
    const player = client(here());
    await player.play('/live/cam1');
    proxy.mute();
    await pass(59);
    expect([reasons('input'), server.streams]).toEqual([[undefined], ['cam1']]);
    await pass(2);
    expect([reasons('input'), server.streams]).toEqual([['client_gone'], []]);
    await until('its player is let go', () => player.ended);
    expect(reasons('viewer')).toEqual(['stream_ended']);
  });

  it('is replaced at once by a new publisher', async () => {
    await publish(proxy.port, over);
    proxy.mute();
    await pass(1);
    const anew = await publish(here(), over);
    const player = client(here());
    await player.play('/live/cam1');
    await flow(anew, player)();
    expect(reasons('input').sort()).toEqual(['replaced', undefined]);
  });
});

it('a publisher that shows signs of life is kept, though it has nothing to send', async () => {
  const [overTcp, overUdp] = [await publish(here()), client(here(), 'udp')];
  await overUdp.publish('/live/cam2');
  overUdp.fallSilent();
  await pass(8, async () => {
    await pass(14);
    for (const each of [overTcp, overUdp]) expect((await each.ask('OPTIONS', '*')).status).toBe(200);
  });
  expect(reasons('input')).toEqual([undefined, undefined]);
});

describe('a player whose network is gone', () => {
  it('is closed as client_gone at the session timeout over UDP', async () => {
    await publish(here());
    await client(proxy.port, 'udp').play('/live/cam1');
    proxy.mute();
    await pass(59, () => clients[0]!.ask('OPTIONS', '*'));
    expect(reasons('viewer')).toEqual([undefined]);
    await pass(2, () => clients[0]!.ask('OPTIONS', '*'));
    expect(reasons('viewer')).toEqual(['client_gone']);
  });

  it('is closed as client_gone at the session timeout over TCP, if it used to report and there is media for it', async () => {
    const publisher = await publish(here());
    const player = client(proxy.port);
    await player.play('/live/cam1');
    const other = client(here());
    await other.play('/live/cam1');
    const second = flow(publisher, other);
    await pass(3, async () => {
      player.send(1, packet(1, 32, 201));
      expect((await player.ask('GET_PARAMETER', player.url('/live/cam1'))).status).toBe(200);
      await second();
    });
    proxy.mute();
    await pass(59, second);
    expect(reasons('viewer')).toEqual([undefined, undefined]);
    await pass(2, second);
    expect(reasons('viewer').sort()).toEqual(['client_gone', undefined]);
    expect(other.ended).toBe(false);
  });

  it('is closed as stalled over TCP, if it does not take what waits for it', async () => {
    const publisher = await publish(here());
    const player = client(proxy.port);
    await player.play('/live/cam1');
    proxy.mute();
    const { connections } = (server as unknown as { relay: { connections: Set<{ socket: Socket }> } }).relay;
    let [waiting, same] = [0, 0];
    await until('all buffers on the way are full', async () => {
      for (let i = 0; i < 50; i++) publisher.send(0, packet(i, 60_000));
      await publisher.ask('OPTIONS', '*');
      const now = Math.max(...[...connections].map(({ socket }) => socket.writableLength));
      same = now === waiting && now > 4_000_000 ? same + 1 : 0;
      waiting = now;
      return same > 20;
    });
    const stay = () => publisher.ask('OPTIONS', '*');
    await pass(15, stay);
    expect(reasons('viewer')).toEqual([undefined]);
    await pass(2, stay);
    expect(reasons('viewer')).toEqual(['stalled']);
  });
});

describe('a player over TCP is kept, however long it is silent,', () => {
  it('if it never said anything, which it does not have to', async () => {
    const publisher = await publish(here());
    const player = client(here());
    await player.play('/live/cam1');
    await pass(100, flow(publisher, player));
    expect(reasons('viewer')).toEqual([undefined]);
  });

  it('if it sent one request and no more', async () => {
    const publisher = await publish(here());
    const player = client(here());
    await player.play('/live/cam1');
    await pass(2, flow(publisher, player));
    await player.ask('GET_PARAMETER', player.url('/live/cam1'));
    await pass(100, flow(publisher, player));
    expect(reasons('viewer')).toEqual([undefined]);
  });

  it('if it used to report, while there is nothing to play or it has paused', async () => {
    const publisher = await publish(here());
    const player = client(here());
    await player.play('/live/cam1');
    await pass(5, async () => {
      player.send(1, packet(1, 32, 201));
      await flow(publisher, player)();
    });
    await pass(100, () => publisher.ask('OPTIONS', '*'));
    expect(reasons('viewer')).toEqual([undefined]);
    await player.ask('PAUSE', player.url('/live/cam1'));
    await pass(100, async () => {
      publisher.send(0, packet(1));
      await publisher.ask('OPTIONS', '*');
    });
    expect(reasons('viewer')).toEqual([undefined]);
  });

  it('if it reports less often than the session times out, as players do that were never told of it', async () => {
    const own = createRtspServer({ tracker, clock, sessionTimeoutMs: 4_000 });
    const { port } = await own.listen(0, '127.0.0.1');
    const publisher = await publish(port);
    const player = client(port);
    await player.play('/live/cam1');
    for (let i = 0; i < 10; i++) {
      player.send(1, packet(1, 32, 201));
      await pass(8, flow(publisher, player));
    }
    expect(reasons('viewer')).toEqual([undefined]);
    await own.close();
  });
});

it('no client is presumed gone by a process that was itself asleep', async () => {
  const own = createRtspServer({ clock });
  const { port } = await own.listen(0, '127.0.0.1');
  const publisher = await publish(port);
  const player = client(port, 'udp');
  await player.play('/live/cam1');
  clock.jump(3_600_000);
  await pass(3);
  await publisher.ask('OPTIONS', '*');
  expect([publisher.ended, player.ended, own.streams]).toEqual([false, false, ['cam1']]);
  await own.close();
});
