import type http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { RawClient, until } from './support/client.js';
import { closeServers, listen, serve } from './support/serve.js';

/** One write of a file server; a count may be this much too high, never too low. */
const ONE_WRITE = 65_536;
const SIZE = 40_000_000;
let tracker: SessionTracker;

beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

type Sender = (res: http.ServerResponse) => void;

/** All the ways an application may send a large body. */
const SENDERS: Record<string, Sender> = {
  'one end()': (res) => res.end(Buffer.alloc(SIZE)),
  'writes that do not wait': (res) => {
    res.writeHead(200, { 'content-length': SIZE });
    for (let sent = 0; sent < SIZE; sent += 50_000) res.write(Buffer.alloc(50_000));
    res.end();
  },
  'writes that wait for drain': (res) => {
    res.writeHead(200, { 'content-length': SIZE });
    let left = SIZE;
    const more = () => {
      while (left > 0 && !res.destroyed) {
        left -= 50_000;
        if (!res.write(Buffer.alloc(50_000))) return void res.once('drain', more);
      }
      res.end();
    };
    more();
  },
};

/** What the kernel took of a response whose client stopped reading; watched from below the middleware. */
class KernelWatch {
  handed = 0;
  watch(res: http.ServerResponse): void {
    const { socket } = res as { socket: unknown };
    const { _handle: handle } = socket as { _handle: { bytesWritten: number; writeQueueSize: number } | null };
    const timer = setInterval(() => {
      if ((socket as { _handle: unknown })._handle === null) return clearInterval(timer);
      this.handed = handle!.bytesWritten - handle!.writeQueueSize;
    }, 1);
  }
}

/** Viewers are listed as they come, answered or not. */
const app = (send: Sender, watch?: KernelWatch): http.RequestListener => {
  const track = trackPlayback(tracker, { countErrors: true });
  return (req, res) =>
    track(req, res, () => {
      watch?.watch(res);
      send(res);
    });
};
const session = () => tracker.list()[0];

async function stuckClient(port: number, path = '/cam1/big.ts'): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.get(path);
  await until(() => client.bodyReceived > 1_000_000);
  client.socket.pause();
  return client;
}

/** Nothing moves any more: kernel buffers are full. */
async function settled(value: () => number, quietMs = 100): Promise<number> {
  let last = -1;
  let since = Date.now();
  return until(value, (now) => {
    if (now !== last) [last, since] = [now, Date.now()];
    return now > 0 && Date.now() - since > quietMs;
  });
}

describe.each(Object.keys(SENDERS))('a response cut in the middle (%s)', (how) => {
  const send = SENDERS[how]!;

  it('counts what the kernel took when it is kicked', async () => {
    const watch = new KernelWatch();
    const { port } = await serve(app(send, watch));
    const client = await stuckClient(port);
    const handed = await settled(() => watch.handed);
    const closed = new Promise<number>((resolve) => tracker.on('closed', (event) => resolve(event.session.bytes)));
    expect(tracker.kick(session()!.id)).toBe(true);
    const bytes = await closed;
    client.socket.resume();
    await until(() => client.ended);
    expect(client.bodyReceived).toBeLessThan(SIZE);
    expect(bytes).toBeGreaterThanOrEqual(client.bodyReceived);
    expect(bytes).toBeLessThanOrEqual(handed);
    expect(handed - bytes).toBeLessThan(500); // its headers
  });

  it.each(['closes', 'resets'])('counts what the kernel took when the client %s', async (ending) => {
    const watch = new KernelWatch();
    const { port } = await serve(app(send, watch));
    const client = await stuckClient(port);
    const handed = await settled(() => watch.handed);
    if (ending === 'closes') client.socket.destroy();
    else client.socket.resetAndDestroy();
    await until(
      () => session()?.bytes ?? 0,
      (bytes) => bytes > 0,
    );
    await until(
      () => handed - session()!.bytes,
      (missing) => missing < 500,
    );
    expect(session()!.bytes).toBeGreaterThanOrEqual(client.bodyReceived);
    expect(session()!.bytes).toBeLessThanOrEqual(handed);
  });

  it('counts everything for a client that has half-closed its connection', async () => {
    const { port } = await serve(app(send));
    const client = await stuckClient(port);
    client.socket.end();
    client.socket.resume();
    await until(() => client.ended);
    await until(
      () => session()?.bytes,
      (bytes) => bytes === client.bodyReceived || how !== 'one end()',
    );
    expect(session()!.bytes).toBeGreaterThanOrEqual(client.bodyReceived);
    expect(session()!.bytes).toBeLessThanOrEqual(client.bodyReceived + ONE_WRITE);
  });
});

describe('a response cut in the middle', () => {
  it('is never counted as less than arrived, whenever the client leaves', async () => {
    const { port } = await serve(app(SENDERS['one end()']!));
    for (let round = 0; round < 10; round++) {
      const client = await RawClient.connect(port);
      client.get(`/cam${round}/big.ts`);
      await until(() => client.bodyReceived > round * 700_000);
      client.socket.destroy();
      const received = client.bodyReceived;
      const find = () => tracker.list({ stream: `cam${round}` })[0]!.bytes;
      await until(find, (bytes) => bytes >= received);
      expect(find()).toBeLessThan(SIZE);
    }
  });

  it('counts over TLS only what can have been sent, not the whole write', async () => {
    const server = https.createServer(selfSigned(), app(SENDERS['one end()']!));
    const port = await listen(server);
    const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    let received = 0;
    client.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > 1_000_000) client.pause();
    });
    client.on('error', () => undefined);
    client.write('GET /cam1/big.ts HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => received > 1_000_000);
    const running = await settled(() => session()?.bytes ?? 0, 1200);
    expect(session()!.secure).toBe(true);
    client.destroy();
    const count = server.getConnections.bind(server);
    let open = 1;
    await until(() => {
      count((_error, n) => (open = n));
      return open === 0;
    });
    expect(session()!.bytes).toBeGreaterThanOrEqual(received - 1000);
    expect(session()!.bytes - running).toBeLessThanOrEqual(ONE_WRITE);
    expect(session()!.bytes).toBeLessThan(SIZE / 2);
  });

  it('does not count the framing of chunks', async () => {
    const { port } = await serve(
      app((res) => {
        for (let i = 0; i < 20_000; i++) res.write(Buffer.alloc(1000, 'x'));
        res.end();
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    await until(() => client.bodyReceived > 1_000_000);
    client.socket.pause();
    await settled(() => session()?.bytes ?? 0);
    tracker.kick(session()!.id);
    client.socket.resume();
    await until(() => client.ended);
    const body = client.received.toString('latin1').split('x').length - 1;
    const { bytes } = tracker.get(session()!.id)!;
    expect(bytes).toBeGreaterThanOrEqual(body);
    expect(bytes).toBeLessThan(20_000_000);
  });

  it('counts no bytes of an error page', async () => {
    const { port } = await serve(app((res) => res.writeHead(500).end(Buffer.alloc(SIZE))));
    const client = await stuckClient(port);
    tracker.kick(session()!.id);
    await until(() => tracker.list({ status: 'closed' }).length === 1);
    expect(tracker.list()[0]?.bytes).toBe(0);
    client.socket.destroy();
  });

  it('does not count what waits in a pipeline when the connection goes', async () => {
    const { port } = await serve(
      app((res) => {
        if (res.req.url!.startsWith('/cam1')) res.write(Buffer.alloc(1000));
        else res.end(Buffer.alloc(5000));
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/endless.ts');
    client.get('/cam2/waiting.ts');
    await until(() => tracker.count() === 2 && client.bodyReceived > 500);
    client.socket.destroy();
    await until(() => tracker.list({ stream: 'cam1' })[0]!.bytes === 1000);
    expect(tracker.list({ stream: 'cam2' })[0]!.bytes).toBe(0);
  });

  it('is severed before the first byte, and behind another response', async () => {
    const { port } = await serve(app((res) => void (res.req.url!.startsWith('/cam1') && res.flushHeaders())));
    const client = await RawClient.connect(port);
    client.get('/cam1/endless.ts');
    client.get('/cam2/waiting.ts');
    await until(() => tracker.count() === 2);
    tracker.kick(tracker.list({ stream: 'cam2' })[0]!.id);
    await until(() => client.ended);
    expect(tracker.list({ stream: 'cam2' })[0]).toMatchObject({ closeReason: 'kicked', bytes: 0 });
  });
});

describe('a client that never reads', () => {
  it('is cut as stalled, while one that waits for the server is not', async () => {
    tracker.updateConfig({ stallTimeoutMs: 1500, idleTimeoutMs: 1000 });
    const { port } = await serve(
      app((res) => {
        if (res.req.url!.startsWith('/cam1')) SENDERS['one end()']!(res);
        else res.write(Buffer.alloc(1000)); // and then the server waits, as in LL-HLS
      }),
    );
    const greedy = await RawClient.connect(port);
    greedy.socket.pause();
    greedy.get('/cam1/big.ts');
    const patient = await RawClient.connect(port);
    patient.get('/cam2/waits.ts');
    await until(() => tracker.list({ stream: 'cam1' })[0]?.closeReason === 'stalled');
    expect(tracker.list({ stream: 'cam1' })[0]!.bytes).toBeLessThan(SIZE);
    greedy.socket.resume();
    await until(() => greedy.ended);
    const start = Date.now();
    await until(() => Date.now() - start > 2500);
    expect(tracker.list({ stream: 'cam2', status: 'active' })).toHaveLength(1);
    patient.socket.destroy();
    await until(() => tracker.list({ stream: 'cam2' })[0]!.closeReason === 'idle');
  });

  it('is not stalled if it reads slowly', async () => {
    tracker.updateConfig({ stallTimeoutMs: 1000 });
    const { port } = await serve(app(SENDERS['one end()']!));
    const client = await stuckClient(port);
    const start = Date.now();
    client.socket.on('data', () => client.socket.pause());
    await until(() => {
      client.socket.resume();
      return Date.now() - start > 3000;
    });
    expect(session()?.closeReason).toBeUndefined();
    client.socket.destroy();
  });
});
