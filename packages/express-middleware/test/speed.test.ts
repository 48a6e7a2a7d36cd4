import fs from 'node:fs';
import type http from 'node:http';
import { type RequestListener } from 'node:http';
import http2 from 'node:http2';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import zlib from 'node:zlib';
import compression from 'compression';
import express from 'express';
import express4 from 'express4';
import { createProxyMiddleware } from 'http-proxy-middleware';
import serveStatic from 'serve-static';
import { createTracker, type Limits, type Policy, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { pace } from '../src/speed/pace.js';
import { get, RawClient, until } from './support/client.js';
import { mediaFolder } from './support/media.js';
import { closeServers, listen, serve } from './support/serve.js';
import { soon } from '../../../test/support/until.js';

/** One megabit a second: 250,000 bytes at once, then 125 bytes a millisecond. */
const BURST = 250_000;
const SIZE = BURST + 30_000;
/** What the client may have before the rest is due: the burst, and what a slow test takes until it looks. */
const BODY = Buffer.alloc(SIZE, '0123456789abcdef');

const media = mediaFolder();
fs.writeFileSync(path.join(media.folder, 'cam1/big.ts'), BODY);
let tracker: SessionTracker;
let limits: Limits;

/** Says of everybody what `limits` is now. */
const speed: Policy = {
  name: 'speed',
  admit: () => ({ allow: true, limits }),
};

beforeEach(() => {
  limits = { downMbits: 1 };
  tracker = createTracker({ policies: [speed] });
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
  await until(() => pace.isAsleep);
});
afterAll(() => media.remove());

/** They decide again: what they say now holds for all. */
const changeTo = async (next: Limits) => {
  limits = next;
  await tracker.invalidate();
};
const bytes = () => tracker.list({ stream: 'cam1' })[0]?.bytes;
const answering =
  (answer: (req: http.IncomingMessage, res: http.ServerResponse) => void): RequestListener =>
  (req, res) =>
    trackPlayback(tracker)(req, res, () => answer(req, res));

/** Ways to send a large body. */
const SENDERS: Record<string, () => RequestListener | Promise<RequestListener>> = {
  'express.static of Express 5': () => express().use(trackPlayback(tracker), express.static(media.folder)),
  'express.static of Express 4': () => express4().use(trackPlayback(tracker) as never, express4.static(media.folder)),
  'res.send of Express 5': () => express().use(trackPlayback(tracker), (_req, res) => void res.send(BODY)),
  'res.send of Express 4': () => express4().use(trackPlayback(tracker) as never, (_req, res) => void res.send(BODY)),
  'end() of plain http': () => answering((_req, res) => res.end(BODY)),
  'a stream that is piped': () => answering((_req, res) => void Readable.from(pieces(1000)).pipe(res)),
  'a pipeline from a generator': () => answering((_req, res) => void pipeline(pieces(7001), res)),
  'writes that do not wait': () =>
    answering((_req, res) => {
      for (const piece of pieces(10_000)) res.write(piece);
      res.end();
    }),
  'writes with callbacks': () =>
    answering((_req, res) => {
      const left = [...pieces(20_000)];
      const next = (): void => {
        const piece = left.shift();
        if (piece === undefined) res.end();
        else res.write(piece, next);
      };
      next();
    }),
  'a reverse proxy': async () => {
    const origin = await serve(express().use(express.static(media.folder)));
    return express().use(trackPlayback(tracker), createProxyMiddleware({ target: origin.url }));
  },
};

function* pieces(size: number): Generator<Buffer> {
  for (let at = 0; at < SIZE; at += size) yield BODY.subarray(at, at + size);
}

describe.each(Object.keys(SENDERS))('a viewer with a limit gets from %s', (name) => {
  it('every byte, and none sooner than the limit allows', async () => {
    const { url } = await serve(await SENDERS[name]!());
    const from = performance.now();
    const answer = await get(url, '/cam1/big.ts');
    expect(answer.status).toBe(200);
    expect(answer.body.equals(BODY)).toBe(true);
    expect(performance.now() - from).toBeGreaterThan((SIZE - BURST) / 125 - 10);
    await until(bytes, (seen) => seen === SIZE);
  });
});

describe('over HTTP/2', () => {
  it('all streams of a viewer share one bucket', async () => {
    const track = trackPlayback(tracker);
    const files = serveStatic(media.folder);
    const server = http2.createServer((req, res) =>
      track(req, res, () => files(req as never, res as never, () => res.writeHead(404).end())),
    );
    const client = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    const from = performance.now();
    const bodies = await Promise.all(
      [0, 1].map(async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of client.request({ ':path': '/cam1/big.ts', range: 'bytes=0-149999' })) {
          chunks.push(chunk as Buffer);
        }
        return Buffer.concat(chunks);
      }),
    );
    for (const body of bodies) expect(body.equals(BODY.subarray(0, 150_000))).toBe(true);
    expect(performance.now() - from).toBeGreaterThan((300_000 - BURST) / 125 - 10);
    await until(bytes, (seen) => seen === 300_000);
    client.destroy();
  });
});

describe('a response with a limit', () => {
  it('keeps the length that Node sets for a body in one piece', async () => {
    const { url } = await serve(answering((_req, res) => res.end(BODY)));
    const { headers } = await get(url, '/cam1/big.ts');
    expect(headers).toMatchObject({ 'content-length': String(SIZE) });
    expect(headers['transfer-encoding']).toBeUndefined();
  });

  it('is the same for a range, a HEAD, a 304 or an error as without a limit', async () => {
    const { url } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const part = await get(url, '/cam1/big.ts', { range: `bytes=16-${SIZE - 1}` });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 16-${SIZE - 1}/${SIZE}`]);
    expect(part.body.equals(BODY.subarray(16))).toBe(true);
    const head = await get(url, '/cam1/big.ts', {}, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(SIZE), 0]);
    const known = { 'if-none-match': head.headers.etag! };
    expect(await get(url, '/cam1/big.ts', known)).toMatchObject({ status: 304 });
    expect(await get(url, '/cam1/none.ts')).toMatchObject({ status: 404 });
  });

  it('is charged for what is sent after compression', async () => {
    const app = express().use(trackPlayback(tracker), compression({ filter: () => true }));
    app.use(express.static(media.folder));
    const { url } = await serve(app);
    const answer = await get(url, '/cam1/big.ts', { 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(zlib.gunzipSync(answer.body).equals(BODY)).toBe(true);
    await until(bytes, (seen) => seen === answer.body.length);
  });

  it('is charged for a playlist as rewritten with tokens', async () => {
    const lines = Array.from({ length: 9_000 }, (_, n) => `#EXTINF:2,\nseg${n}.ts`);
    fs.writeFileSync(path.join(media.folder, 'cam1/long.m3u8'), `#EXTM3U\n${lines.join('\n')}\n`);
    const track = trackPlayback(tracker, { viewerToken: { writeUrl: true } });
    const { url } = await serve(express().use(track, express.static(media.folder)));
    const from = performance.now();
    const { body, text } = await get(url, '/cam1/long.m3u8?token=ann');
    expect(text.match(/seg\d+\.ts\?\w+=ann\n/g)).toHaveLength(9_000);
    expect(body.length).toBeGreaterThan(BURST);
    expect(performance.now() - from).toBeGreaterThan((body.length - BURST) / 125 - 10);
    await until(bytes, (seen) => seen === body.length);
  });

  it('comes in its turn where requests are pipelined', async () => {
    const { port } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    client.get('/cam1/index.m3u8');
    client.get('/cam1/big.ts', { Range: 'bytes=0-9' });
    const end = Buffer.from('\r\n\r\n0123456789');
    await until(() => client.received.indexOf(end, SIZE + 301) > 0);
    const heads = client.received.toString('latin1').match(/HTTP\/1\.1 \d+|Content-Length: \d+/g);
    const answers = [`HTTP/1.1 200`, `Content-Length: ${SIZE}`, `HTTP/1.1 200`, `Content-Length: 301`];
    expect(heads).toEqual([...answers, 'HTTP/1.1 206', 'Content-Length: 10']);
  });

  it('looks begun and ended to its writer, and accepts no more writes', async () => {
    const seen: unknown[] = [];
    const { url } = await serve(
      answering((_req, res) => {
        res.on('error', () => seen.push('error'));
        res.end(BODY, () => seen.push('sent'));
        seen.push(res.headersSent, res.writableEnded, res.writableFinished);
        res.write('more', (error) => seen.push(error?.message));
        res.end('more');
      }),
    );
    expect((await get(url, '/cam1/big.ts')).body.equals(BODY)).toBe(true);
    await until(() => seen.includes('sent'));
    expect(seen).toEqual([true, true, false, 'write after end', 'sent']);
  });

  it('holds little of a large file, and drains when the bucket says so', async () => {
    let read = 0;
    const { port } = await serve(
      answering((_req, res) => {
        const endless = new Readable({
          highWaterMark: 65_536,
          read() {
            read += 65_536;
            this.push(Buffer.alloc(65_536));
          },
        });
        res.on('close', () => endless.destroy());
        endless.pipe(res);
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    const from = performance.now();
    await until(() => performance.now() - from > 500);
    const may = () => BURST + 125 * (performance.now() - from);
    expect(client.received.length).toBeLessThan(may() + 1000);
    // a machine that stood still has to catch up
    await until(() => client.received.length > may() * 0.8);
    expect(read - client.received.length).toBeLessThan(262_144);
    client.socket.destroy();
    await until(() => pace.isAsleep);
  });

  it('is cut at once by a kick, with exactly the bytes that were sent', async () => {
    const { port } = await serve(answering((_req, res) => res.end(Buffer.alloc(10_000_000))));
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    await until(() => client.bodyReceived >= BURST);
    tracker.kick(tracker.list()[0]!.id);
    await until(() => client.ended);
    expect(pace.isAsleep).toBe(true);
    expect(tracker.list({ status: 'closed' })[0]!.bytes).toBe(client.bodyReceived);
  });

  it('tells writers that the client has gone', async () => {
    const errors: unknown[] = [];
    const { port } = await serve(
      answering((_req, res) => {
        res.write(Buffer.alloc(BURST + 1));
        res.write(Buffer.alloc(1000), (error) => errors.push(error));
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    await until(() => client.bodyReceived > BURST / 2);
    client.socket.destroy();
    await until(() => errors.length === 1);
    expect(errors[0]).toBeInstanceOf(Error);
  });

  it('waits without stalling, and is not idle', async () => {
    await tracker.stop();
    tracker = createTracker({ policies: [speed], stallTimeoutMs: 700, idleTimeoutMs: 700 });
    limits = { downMbits: 0.001 };
    const { port } = await serve(answering((_req, res) => res.end(Buffer.alloc(100_000))));
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    const from = performance.now();
    await until(() => performance.now() - from > 1900);
    expect(tracker.list({ status: 'active' })).toHaveLength(1);
    expect(client.ended).toBe(false);
    client.socket.destroy();
  });
});

describe('several responses of one viewer', () => {
  it('share the limit, and playlists go first', async () => {
    const { port, url } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(port)));
    for (const client of clients) client.get('/cam1/big.ts');
    const sum = () => clients.reduce((all, client) => all + client.bodyReceived, 0);
    await until(sum, (seen) => seen >= BURST);
    const before = clients.map((client) => client.bodyReceived);
    let isThere = false;
    const playlist = get(url, '/cam1/index.m3u8').finally(() => (isThere = true));
    await soon('the playlist is there', 200, () => isThere);
    expect((await playlist).body).toHaveLength(301);
    await until(sum, (seen) => seen >= BURST + 130_000);
    const shares = clients.map((client, i) => client.bodyReceived - before[i]!);
    expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.25);
    for (const client of clients) client.socket.destroy();
  });
});

describe('a limit that changes while it plays', () => {
  const playing = async () => {
    const { port } = await serve(answering((_req, res) => res.end(Buffer.alloc(20_000_000))));
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    return client;
  };

  it('applies at once, up and down', async () => {
    const client = await playing();
    await until(() => client.bodyReceived >= BURST);
    await changeTo({ downMbits: 80 });
    await soon('it is fast', 1_000, () => client.bodyReceived >= BURST + 3_000_000);
    await changeTo({ downMbits: 0.1 });
    const changed = performance.now();
    // what is on its way arrives
    await until(() => performance.now() - changed > 300);
    const [from, before] = [performance.now(), client.bodyReceived];
    await until(() => performance.now() - from > 400);
    expect(client.bodyReceived - before).toBeLessThan(12.5 * (performance.now() - from) + 10_625);
    client.socket.destroy();
  });

  it('releases everything that waits when it is lifted', async () => {
    const client = await playing();
    await until(() => client.bodyReceived >= BURST);
    await changeTo({});
    await until(() => client.bodyReceived === 20_000_000);
  });

  it('slows a response that began without one, within a second', async () => {
    limits = {};
    let goOn = () => undefined as void;
    const { port } = await serve(
      answering((_req, res) => {
        res.write(Buffer.alloc(10));
        goOn = () => void res.write(Buffer.alloc(500_000));
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/big.ts');
    await until(() => client.received.length > 10);
    await changeTo({ downMbits: 1 });
    const from = performance.now();
    await until(() => performance.now() - from > 1000);
    goOn();
    await until(() => client.received.length > 31_250);
    await until(() => performance.now() - from > 1300);
    // no burst, for it has not just opened
    expect(client.received.length).toBeLessThan(31_250 + 125 * (performance.now() - from - 1000) + 1000);
    client.socket.destroy();
  });
});

describe('a response that two trackers count', () => {
  it('has the tighter limit of the two', async () => {
    const other = createTracker({
      policies: [{ name: 'fast', admit: () => ({ allow: true, limits: { downMbits: 80 } }) }],
    });
    for (const order of [
      [other, tracker],
      [tracker, other],
    ] as const) {
      const { url } = await serve(
        express().use(trackPlayback(order[0]), trackPlayback(order[1]), express.static(media.folder)),
      );
      const from = performance.now();
      const agent = String(order.indexOf(other));
      expect((await get(url, '/cam1/big.ts', { 'user-agent': agent })).body.equals(BODY)).toBe(true);
      expect(performance.now() - from).toBeGreaterThan((SIZE - BURST) / 125 - 10);
    }
    await other.stop();
  });
});

describe('a session with a limit', () => {
  it('keeps nothing of a request that has been answered', async () => {
    const answered: WeakRef<object>[] = [];
    const { url } = await serve(
      express().use(trackPlayback(tracker), (req, res) => {
        answered.push(new WeakRef(req));
        res.send(answered.length === 1 ? BODY : '#EXTM3U');
      }),
    );
    await get(url, '/cam1/big.ts');
    // the connection may know the last one
    await get(url, '/cam1/index.m3u8');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await until(() => (collect(), answered[0]!.deref() === undefined), Boolean);
    expect(tracker.list({ status: 'active' })).toHaveLength(1);
  });
});

describe('a response without a limit', () => {
  it('never waits, and has nothing added to it', async () => {
    limits = {};
    let own: string[] = [];
    const { url } = await serve(
      express().use(trackPlayback(tracker), (_req, res) => {
        res.send(BODY);
        own = Object.keys(res).filter((key) => ['emit', 'write', 'end'].includes(key));
      }),
    );
    await get(url, '/cam1/big.ts');
    await get(url, '/cam1/big.ts');
    expect(own).toEqual([]);
    expect(pace.isAsleep).toBe(true);
  });
});
