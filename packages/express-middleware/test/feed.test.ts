import { execFile } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { until } from '../../../test/support/until.js';
import { sessionsApi, type SessionsApiOptions } from '../src/index.js';
import { plain } from '../src/sessions-api/feed/encoding.js';
import { Feed } from '../src/sessions-api/feed/feed.js';
import { openFeed } from '../src/sessions-api/feed/open-feed.js';
import { FRAMEWORKS } from './support/apps.js';
import { get } from './support/client.js';
import { directoryOf } from './support/directory.js';
import { closeServers, listen as listenOn, serve } from './support/serve.js';
import { closeListeners, listen, listenOverHttp2 } from './support/sse.js';

let tracker: SessionTracker;
beforeEach(() => (tracker = createTracker({ autoStart: false })));
afterEach(async () => {
  closeListeners();
  await closeServers();
  await tracker.stop({ timeoutMs: 0 });
});

const watch = (stream: string, ip = '203.0.113.7', bytes = 100) =>
  tracker.trackHttp({ stream, protocol: 'hls', ip, bytes })!;

async function api(options: SessionsApiOptions = { authorize: () => true }): Promise<string> {
  return (await serve(sessionsApi(directoryOf(tracker), options))).url;
}

describe('GET /events', () => {
  it('begins with a cursor for resuming, and then reports what happens', async () => {
    const url = await api();
    const feed = await listen(url, '/events');
    expect([feed.status, feed.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(feed.headers).toMatchObject({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' });
    const reset = await feed.until('reset');
    expect(reset.data).toEqual({ cursor: reset.id, reason: 'start' });

    const { id } = watch('cam1');
    const opened = await feed.until('session.opened');
    expect(opened.data).toMatchObject({ type: 'session.opened', stream_code: 'cam1', payload: { id, viewers: 1 } });
    watch('cam1');
    const updated = await feed.until('session.updated');
    expect(updated.data.payload).toMatchObject({ id, bytes: 200, named_by: 'fingerprint', proto: 'hls' });
    tracker.tag(id, { plan: 'gold' });
    expect((await feed.until('session.updated', 2)).data.payload.tags).toEqual({ plan: 'gold' });
    tracker.kick(id, { reason: 'enough' });
    const closed = await feed.until('session.closed');
    expect(closed.data.payload).toMatchObject({ id, reason: 'kicked', bytes: 200, tags: { plan: 'gold' }, viewers: 0 });
    watch('cam1');
    tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' });
    await feed.until('session.denied');
    const ids = feed.messages.flatMap(({ id: position, event }) => (event === 'stats' ? [] : [position]));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('passes on the other events of the tracker', async () => {
    const url = await api();
    const feed = await listen(url, '/events?type=source.running');
    await feed.until('reset');
    watch('cam1');
    tracker.announceSource('cam1', 'running');
    expect((await feed.until('source.running')).data).toMatchObject({ stream_code: 'cam1' });
    expect(feed.messages.map(({ event }) => event)).toEqual(['reset', 'source.running']);
  });

  it('resumes where a client stopped, with nothing twice and nothing missing', async () => {
    const url = await api();
    const first = await listen(url, '/events');
    await first.until('reset');
    watch('cam1');
    await first.until('session.opened');
    first.close();
    watch('cam2');
    watch('cam3');
    const header = await listen(url, '/events?after=of-another-process', { 'Last-Event-ID': first.lastId });
    const query = await listen(url, `/events?after=${first.lastId}`);
    watch('cam4');
    for (const feed of [header, query]) {
      await feed.until('session.opened', 3);
      expect(feed.of('session.opened').map(({ data }) => data.stream_code)).toEqual(['cam2', 'cam3', 'cam4']);
      expect(feed.of('reset')).toEqual([]);
    }
  });

  it.each(['x', 'aaaaaaaaaaaa-1', '-', '-1', '%F0%9F%92%A9', 'a-b-c-d'])(
    'cannot be resumed from %s',
    async (cursor) => {
      const feed = await listen(await api(), `/events?after=${cursor}`);
      expect((await feed.until('reset')).data.reason).toBe('unknown');
    },
  );

  it('cannot be resumed from a position that is yet to come', async () => {
    const url = await api();
    const first = await listen(url, '/events');
    const { id } = await first.until('reset');
    const feed = await listen(url, `/events?after=${id.replace(/-\d+$/, '-99')}`);
    expect((await feed.until('reset')).data.reason).toBe('too_old');
  });

  it('can be limited to one stream, some types and some kinds', async () => {
    const url = await api();
    const stream = await listen(url, '/events?stream=cam1');
    const type = await listen(url, '/events?type=session.closed,session.denied');
    const kind = await listen(url, '/events?kind=input');
    await Promise.all([stream, type, kind].map((feed) => feed.until('reset')));
    watch('cam1');
    const { closer } = tracker.openConn({
      stream: 'cam2',
      kind: 'input',
      protocol: 'rtmp',
      remoteAddress: '10.0.0.1:1',
    });
    closer.close('client_gone');
    tracker.kickAll({ stream: 'cam1' });
    await Promise.all([stream.until('session.closed'), type.until('session.closed', 2), kind.until('session.closed')]);
    const heard = (feed: typeof stream) =>
      feed.messages.flatMap(({ event, data }) => (event.startsWith('session') ? [`${event} ${data.stream_code}`] : []));
    expect(heard(stream)).toEqual(['session.opened cam1', 'session.closed cam1']);
    expect(heard(type)).toEqual(['session.closed cam2', 'session.closed cam1']);
    expect(heard(kind)).toEqual(['session.opened cam2', 'session.closed cam2']);
    expect(type.of('stats')).toEqual([]);
  });

  it.each([
    ['/events?kind=boss', 'kind: "boss" is not known. Allowed: viewer, input'],
    ['/events?type=Session', 'type: "Session" is not known.'],
    ['/events?type=session.oppened', 'type: "session.oppened" is not known. Allowed: session.opened, session.resumed'],
    ['/events?type=session.opened,source.asleep', 'type: "source.asleep" is not known.'],
    // only sinks get it
    ['/events?type=session.attached', 'type: "session.attached" is not known.'],
    ['/events?q=x', 'Unknown query name "q". Allowed: stream, type, kind, after.'],
    [`/events?type=${'a,'.repeat(40)}a`, 'is not known'],
  ])('refuses %s', async (path, why) => {
    const { status, text } = await get(await api(), path);
    expect([status, JSON.parse(text).error.message]).toEqual([400, expect.stringContaining(why)]);
  });

  it('shows only viewers to clients of Open-Streamer', async () => {
    const feed = await listen(await api({ authorize: () => true, compat: 'open-streamer' }), '/events?unknown=1');
    await feed.until('reset');
    tracker.openConn({ stream: 'cam2', kind: 'input', protocol: 'rtmp', remoteAddress: '10.0.0.1:1' });
    watch('cam1');
    expect((await feed.until('session.opened')).data.stream_code).toBe('cam1');
  });

  it.each(Object.entries(FRAMEWORKS))('works in %s, and is never listed as a viewer', async (_name, mount) => {
    const { url } = await serve(mount('/api', sessionsApi(tracker, { authorize: () => true })));
    const feed = await listen(url, '/api/events');
    await feed.until('reset');
    watch('cam1');
    await feed.until('session.opened');
    expect(tracker.count()).toBe(1);
  });

  it('is compressed once for all clients that accept gzip and use the same filter, with the same content', async () => {
    const url = await api();
    const [packed, again, plain] = await Promise.all([
      ...[1, 2].map(() => listen(url, '/events', { 'Accept-Encoding': 'br, gzip;q=0.5' })),
      listen(url, '/events', { 'Accept-Encoding': 'gzip;q=0, identity' }),
    ]);
    const all = [packed, again!, plain!];
    expect(all.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', 'gzip', undefined]);
    await Promise.all(all.map((feed) => feed.until('reset')));
    for (let n = 0; n < 300; n++) watch(`cam${n}`, `203.0.113.${n % 250}`);
    for (const feed of all) {
      await feed.until('session.opened', 300);
      expect(feed.of('session.opened')).toEqual(plain!.of('session.opened'));
    }
  });

  it('is compressed for at most sixteen filters at once, and sent uncompressed for others', async () => {
    const url = await api();
    const open = (n: number) => listen(url, `/events?stream=cam${n}`, { 'Accept-Encoding': 'gzip' });
    const feeds = await Promise.all(Array.from({ length: 16 }, (_none, n) => open(n)));
    expect(feeds.map(({ headers }) => headers['content-encoding'])).toEqual(Array(16).fill('gzip'));
    expect((await open(16)).headers['content-encoding']).toBeUndefined();
    expect((await open(3)).headers['content-encoding']).toBe('gzip');
    feeds[7]!.close();
    await until('there is room', async () => {
      const feed = await open(17);
      if (feed.headers['content-encoding'] !== 'gzip') feed.close();
      else await feed.until('reset');
      return !feed.isOver;
    });
  });

  it.each([
    ['curl', (url: string) => promisify(execFile)('curl', ['-sS', '--compressed', url]).then(({ stdout }) => stdout)],
    ['fetch', (url: string) => fetch(url).then((response) => response.text())],
  ])('is a complete response for %s when it ends', async (_who, read) => {
    const clock = fakeClock();
    const feed = new Feed(tracker, clock);
    let asked = 0;
    let encoding: unknown;
    const checkAccess = () => {
      asked++;
      return Promise.reject(new Error('not any more'));
    };
    const { url } = await serve((req: IncomingMessage, res: ServerResponse) => {
      const query = new URL(req.url ?? '', 'http://x').searchParams;
      openFeed({ feed, req, res, query, lists: {} as never, checkAccess });
      encoding = res.getHeader('content-encoding');
    });
    const text = read(url);
    await until('it has begun', () => encoding !== undefined);
    watch('cam1');
    clock.advance(60_000);
    expect(await text).toMatch(/^id: .*\nevent: reset\n[^]*event: session.opened\n/);
    expect([encoding, asked]).toEqual(['gzip', 1]);
  });

  it('works over HTTP/2, and releases a client that leaves', async () => {
    const server = http2.createServer(sessionsApi(tracker, { authorize: () => true }));
    const url = `http://127.0.0.1:${await listenOn(server)}`;
    const feed = await listenOverHttp2(url, '/events');
    await feed.until('reset');
    watch('cam1');
    await feed.until('session.opened');
    feed.close();
    watch('cam2');
    await until('nothing holds the server', () => new Promise((resolve) => server.close(() => resolve(true))));
  });

  it('answers HEAD, refuses other methods, and refuses callers without access', async () => {
    const url = await api();
    const head = await fetch(`${url}/events`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect((await fetch(`${url}/events`, { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
    const closed = await api({ key: 'sixteen-letters-or-more' });
    expect((await fetch(`${closed}/events`)).status).toBe(401);
  });

  it('accepts a thousand clients and no more', async () => {
    const url = await api();
    const { port } = new URL(url);
    // as little as a client can be
    const sockets = Array.from({ length: 1000 }, () =>
      connect(Number(port), '127.0.0.1', function (this: ReturnType<typeof connect>) {
        this.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
      }).on('error', () => undefined),
    );
    const answers = await Promise.all(
      sockets.map((socket) => new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))),
    );
    expect(answers.filter((text) => text.startsWith('HTTP/1.1 200')).length).toBe(1000);
    const refused = await get(url, '/events');
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([503, 'TOO_MANY_CLIENTS']);
    sockets[0]?.destroy();
    await until('there is room again', async () => (await listen(url, '/events')).status === 200);
    for (const socket of sockets) socket.destroy();
  });

  it('ends a client that lets a mebibyte wait, and tells it so; other clients go on', async () => {
    const api = sessionsApi(tracker, { authorize: () => true });
    const responses: ServerResponse[] = [];
    const { url, port } = await serve((req: IncomingMessage, res: ServerResponse) => {
      responses.push(res);
      api(req, res);
    });
    const fast = await listen(url, '/events?type=session.opened');
    await fast.until('reset');
    const slow = connect(port, '127.0.0.1').setEncoding('utf8');
    slow.on('error', () => undefined);
    slow.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    let taken = '';
    slow.on('data', (text) => {
      taken += String(text);
      if (taken.length < 1000) slow.pause();
    });
    await until('it has begun', () => slow.isPaused());
    let opened = 0;
    while (responses[1]?.writableEnded !== true && opened < 9_000) {
      for (let i = 0; i < 100; i++, opened++) {
        const remoteAddress = '10.0.0.1:1';
        tracker.openConn({ stream: 'cam1', protocol: 'srt', remoteAddress, userAgent: 'y'.repeat(2000) });
      }
      await setImmediate();
    }
    slow.resume();
    await until('it got its last event, and the answer is over', () => slow.readableEnded);
    expect(taken).toContain('event: overflow\n');
    await fast.until('session.opened', opened);
    expect(fast.isOver).toBe(false);
  });
});

describe('GET /events over time', () => {
  async function stage(checkAccess = async () => undefined as void) {
    const clock = fakeClock();
    const feed = new Feed(tracker, clock);
    const lists = { kinds: undefined, lenient: false };
    const { url } = await serve((req: IncomingMessage, res: ServerResponse) => {
      const query = new URL(req.url ?? '', 'http://x').searchParams;
      openFeed({ feed, req, res, query, lists, checkAccess });
    });
    return { clock, url };
  }

  it('sends the figures of streams, and later only those that changed', async () => {
    for (let i = 0; i < 3; i++) watch('cam1', `203.0.113.${i}`);
    watch('cam2');
    const { clock, url } = await stage();
    const feed = await listen(url, '/?type=stats');
    const { data } = await feed.until('stats');
    expect(data.stats).toMatchObject({ viewers: 4, bytes_total: 400 });
    const nobody = { dvr: 0, inputs: 0, outputs: 0, mbits: 0 };
    expect(data.streams).toEqual([
      { stream_code: 'cam1', viewers: 3, ...nobody },
      { stream_code: 'cam2', viewers: 1, ...nobody },
    ]);
    watch('cam1', '203.0.113.1', 10_000_000);
    tracker.kickAll({ stream: 'cam2' });
    clock.advance(1_000);
    const { data: next } = await feed.until('stats', 2);
    expect(next.streams).toEqual([
      { stream_code: 'cam1', viewers: 3, ...nobody, mbits: 80 },
      { stream_code: 'cam2', viewers: 0, ...nobody },
    ]);
    clock.advance(1_000);
    expect((await feed.until('stats', 3)).data.streams).toEqual([
      expect.objectContaining({ stream_code: 'cam1', mbits: 0 }),
    ]);
    clock.advance(1_000);
    expect((await feed.until('stats', 4)).data.streams).toEqual([]);
  });

  it('asks again every minute whether a client may read, and sends a sign of life', async () => {
    let mayRead = true;
    const { clock, url } = await stage(async () => {
      if (!mayRead) throw new Error('no');
    });
    const listener = await listen(url, '/');
    await listener.until('reset');
    clock.advance(40_000);
    await until('two proofs', () => listener.comments === 2);
    clock.advance(60_000);
    await until('five proofs', () => listener.comments === 5);
    expect(listener.isOver).toBe(false);
    mayRead = false;
    clock.advance(60_000);
    await until('it is ended', () => listener.isOver);
  });

  it('remembers events for five minutes without a client, then stops listening to the tracker', async () => {
    const clock = fakeClock();
    const sent: string[] = [];
    const client = { encoding: plain, say: (text: string) => void sent.push(text), end: () => undefined } as never;
    const filter = { stream: undefined, types: undefined, kinds: undefined };
    const feed = new Feed(tracker, clock);
    const listeners = jest.spyOn(tracker, 'on');
    const leave = feed.join(client, filter, undefined);
    const [, cursor] = /"cursor":"([^"]*)"/.exec(sent[0] ?? '') ?? [];
    leave();
    leave();
    watch('cam1');
    clock.advance(299_000);
    feed.join(client, filter, cursor)();
    expect(sent.at(-1)).toContain('session.opened');
    clock.advance(300_000);
    expect(clock.pending).toBe(0);
    const count = listeners.mock.calls.length;
    feed.join(client, filter, cursor)();
    expect(sent.at(-1)).toContain('"reason":"too_old"');
    expect(listeners.mock.calls.length).toBe(2 * count);
    clock.advance(300_000);
  });
});
