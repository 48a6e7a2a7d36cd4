import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, type Server, type Socket } from 'node:net';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtsp, countMedia, type Attachment } from '../src/index.js';
import { app, createServer, listening, type Handler } from './support/package-server.js';
import { frame, packet, RtspClient, SDP } from './support/rtsp-client.js';
import { pace, stays, until } from '../../../test/support/until.js';

const no = (kind: 'credentials' | 'limit') => ({ allow: false, reason: 'policy', kind, detail: 'not you' }) as const;
const door: Policy = {
  name: 'door',
  admit: ({ token, credentials }) => {
    if (token === 'full') return no('limit');
    if (token === 'later') return pace(100).then(() => ({ allow: true }) as const);
    if (token !== 'password') return { allow: true };
    return credentials?.scheme === 'basic' && credentials.verify('secret') ? { allow: true } : no('credentials');
  },
};

let server: Server;
let tracker: SessionTracker;
let attachment: Attachment;
let port: number;
let seen: string[];
let sockets: Socket[];
let clientErrors: string[];

const handler: Handler = (request, response) => {
  seen.push(request.method);
  sockets.push(request.socket);
  app(request, response);
};

beforeEach(async () => {
  [seen, sockets, clientErrors] = [[], [], []];
  tracker = createTracker({ policies: [door] });
  server = createServer();
  attachment = attachRtsp(server, tracker);
  server.on('request', handler);
  server.on('clientError', (error: Error) => clientErrors.push(error.message));
  port = await listening(server);
});

afterEach(async () => {
  server.close();
  sockets.forEach((socket) => socket.destroy());
  await tracker.stop();
});

const viewers = () => tracker.list({ status: 'active', kind: 'viewer' });

async function raw(text: string | Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

describe('a publisher over its connection', () => {
  const closed = () => tracker.list({ kind: 'input' }).map(({ closeReason }) => closeReason);

  /** Everything but what looks at silence goes on in real time. */
  beforeEach(
    () =>
      void jest.useFakeTimers({
        now: Date.now(),
        doNotFake: [
          'setTimeout',
          'clearTimeout',
          'setImmediate',
          'clearImmediate',
          'nextTick',
          'queueMicrotask',
          'performance',
          'hrtime',
        ],
      }),
  );
  afterEach(() => jest.useRealTimers());

  async function publish(): Promise<RtspClient> {
    const publisher = new RtspClient(port);
    expect((await publisher.publish('/live/cam1')).status).toBe(200);
    await say(publisher);
    return publisher;
  }
  async function say(publisher: RtspClient): Promise<void> {
    const heard = once(sockets[0]!, 'interleaved');
    publisher.send(0, packet(1));
    await heard;
  }

  it('is closed as client_gone when nothing was heard of it for a minute', async () => {
    const publisher = await publish();
    jest.advanceTimersByTime(1_000);
    publisher.fallSilent();
    await say(publisher);
    jest.advanceTimersByTime(59_000);
    expect(closed()).toEqual([undefined]);
    jest.advanceTimersByTime(3_000);
    await until('it is cut', () => publisher.ended);
    expect(closed()).toEqual(['client_gone']);
  });

  it('is kept while it sends reports, and is no longer checked after TEARDOWN', async () => {
    const publisher = await publish();
    publisher.fallSilent();
    for (let i = 0; i < 5; i++) {
      jest.advanceTimersByTime(50_000);
      await say(publisher);
    }
    expect(closed()).toEqual([undefined]);
    expect((await publisher.ask('TEARDOWN', publisher.url('/live/cam1'))).status).toBe(200);
    jest.advanceTimersByTime(200_000);
    expect((await publisher.ask('OPTIONS', '*')).status).toBe(200);
  });
});

describe('the checks before the app', () => {
  it('refuses clients with an RTSP status before the app sees them', async () => {
    const one = new RtspClient(port);
    const answer = await one.ask('DESCRIBE', one.url('/live/cam1?token=full'));
    expect(answer).toMatchObject({ status: 453, phrase: 'Not Enough Bandwidth: policy: not you' });
    await until('it is hung up on', () => one.ended);
    const two = new RtspClient(port);
    expect((await two.ask('PLAY', two.url('/live/cam1?token=full'))).status).toBe(453);
    const three = new RtspClient(port);
    expect((await three.ask('GET_PARAMETER', three.url('/live/cam1'))).status).toBe(454);
    expect((await three.ask('OPTIONS', '*')).status).toBe(200);
    expect(seen).toEqual(['OPTIONS']);
    three.drop();
  });

  it('lets no request overtake a pending verdict about the request before it', async () => {
    const one = new RtspClient(port);
    const answers = ['DESCRIBE', 'SETUP', 'PLAY', 'OPTIONS'].map((method) =>
      one.ask(method, one.url('/live/cam1?token=later')),
    );
    await stays('the server has not seen them', () => seen.length === 0, 40);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(seen).toEqual(['DESCRIBE', 'SETUP', 'PLAY', 'OPTIONS']);
    expect(viewers()).toHaveLength(1);
    one.drop();
  });

  it('answers all requests that a client sends at once, also where the app takes its time', async () => {
    server.removeListener('request', handler);
    const slow: Handler = (_request, response) => void setTimeout(() => response.end(), 5);
    server.on('request', slow);
    const one = new RtspClient(port);
    const url = one.url('/live/cam1');
    const answers = [one.ask('DESCRIBE', url), ...Array.from({ length: 20 }, () => one.ask('GET_PARAMETER', url))];
    await until('all are answered', () => one.responses.length === answers.length);
    one.drop();
  });

  it('asks for a password, and accepts the right one', async () => {
    const one = new RtspClient(port);
    const url = '/live/cam1?token=password';
    const asked = await one.ask('DESCRIBE', one.url(url));
    expect(asked).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringMatching(/^Digest .*\nBasic /) as string },
    });
    one.authorization = `Basic ${Buffer.from('me:wrong').toString('base64')}`;
    expect((await one.ask('DESCRIBE', one.url(url))).status).toBe(401);
    one.authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect((await one.play(url)).status).toBe(200);
    expect(seen[0]).toBe('DESCRIBE');
    one.drop();
  });

  it('judges again a client that was admitted to play and then publishes, and vice versa', async () => {
    await tracker.stop();
    const asked: string[] = [];
    const viewersOfA: Policy = {
      name: 'viewers of a, publishers of b',
      admit: ({ kind, stream }) => {
        asked.push(`${kind} ${stream}`);
        return kind === (stream === 'a' ? 'viewer' : 'input') ? { allow: true } : no('limit');
      },
    };
    await attachment.detach();
    tracker = createTracker({ policies: [viewersOfA] });
    attachment = attachRtsp(server, tracker);
    const record = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record' };

    const one = new RtspClient(port);
    expect((await one.ask('DESCRIBE', one.url('/live/a'))).status).toBe(200);
    expect((await one.ask('SETUP', one.url('/live/a'), record)).status).toBe(453);
    const two = new RtspClient(port);
    expect((await two.ask('DESCRIBE', two.url('/live/a'))).status).toBe(200);
    expect((await two.ask('RECORD', two.url('/live/a'))).status).toBe(453);
    const three = new RtspClient(port);
    expect((await three.ask('RECORD', three.url('/live/b'))).status).toBe(200);
    expect((await three.ask('PLAY', three.url('/live/b'))).status).toBe(455);
    const four = new RtspClient(port);
    expect((await four.ask('ANNOUNCE', four.url('/live/b'))).status).toBe(200);
    expect((await four.ask('SETUP', four.url('/live/b'), { Transport: 'RTP/AVP/TCP;unicast' })).status).toBe(200);
    expect((await four.ask('PLAY', four.url('/live/b'))).status).toBe(453);
    expect(asked).toEqual(['viewer a', 'input a', 'viewer a', 'input a', 'input b', 'input b', 'viewer b']);
    expect(seen).toEqual(['DESCRIBE', 'DESCRIBE', 'RECORD', 'ANNOUNCE', 'SETUP']);
    [one, two, three, four].forEach((client) => client.drop());
  });

  it('hangs up on a client that piles up requests behind a pending verdict', async () => {
    const one = new RtspClient(port);
    for (let i = 0; i < 40; i++) void one.ask('DESCRIBE', one.url('/live/cam1?token=later'), { X: 'y'.repeat(2_000) });
    await until('it is cut', () => one.ended);
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('closes the session when the app answers 404, and at TEARDOWN', async () => {
    server.removeListener('request', handler);
    const picky: Handler = (request, response) => {
      response.statusCode = request.uri.includes('nothing') ? 404 : 200;
      response.end();
    };
    server.on('request', picky); // later than the adapter
    const one = new RtspClient(port);
    expect((await one.ask('DESCRIBE', one.url('/live/nothing'))).status).toBe(404);
    await until('nobody is there', () => viewers().length === 0);
    await one.ask('PLAY', one.url('/live/cam1'));
    expect(viewers()).toHaveLength(1);
    await one.ask('TEARDOWN', one.url('/live/cam1'));
    await until('nobody is there', () => viewers().length === 0);
    one.drop();
  });

  it.each([
    ['SETUP', 461],
    ['TEARDOWN', 200],
  ])('lists who plays although it did not wait for the answer to %s, %d', async (method, status) => {
    server.removeListener('request', handler);
    const slow: Handler = (request, response) => {
      sockets.push(request.socket);
      if (request.method !== method) return app(request, response);
      response.statusCode = status;
      setTimeout(() => response.end(), 20);
    };
    server.on('request', slow);
    const one = new RtspClient(port);
    const [url, transport] = [one.url('/live/cam1'), { Transport: 'RTP/AVP/TCP;interleaved=0-1' }];
    const asked = ['DESCRIBE', method, 'PLAY'].map((each) => one.ask(each, url, transport));
    const answers = await Promise.all(asked);
    expect(answers.map((each) => each.status)).toEqual([200, status, 200]);
    await until('it plays', () => one.mediaBytes > 0);
    expect(viewers()).toHaveLength(1);
    one.drop();
  });

  it('counts what the app says it has sent over UDP', async () => {
    const one = new RtspClient(port);
    await one.ask('DESCRIBE', one.url('/live/cam1'));
    countMedia(sockets[0]!, 1_000_000, 5);
    countMedia(
      connect(port, '127.0.0.1')
        .on('error', () => undefined)
        .unref()
        .destroy(),
      7,
    ); // of nobody
    one.drop();
    await until('it is closed', () => tracker.list({ status: 'closed' }).length === 1);
    expect(tracker.list()).toMatchObject([{ bytes: 1_000_000, bytesReceived: 5 }]);
  });

  it('leaves errors of the app to the app', async () => {
    server.on('request', () => {
      throw new Error('a bug of the app');
    });
    // Jest takes what is thrown into the process for itself
    const later: (() => void)[] = [];
    const { nextTick } = process;
    jest.spyOn(process, 'nextTick').mockImplementation((callback, ...args: unknown[]) => {
      if (String(callback).includes('throw error')) later.push(callback as () => void);
      else nextTick(callback, ...args);
    });
    const one = new RtspClient(port);
    void one.ask('OPTIONS', '*');
    await until('it is heard of', () => later.length > 0);
    expect(later[0]).toThrow('a bug of the app');
    one.drop();
  });

  it('gives each of two trackers a say, and restores the server when both are detached', async () => {
    const other = createTracker();
    const second = attachRtsp(server, other);
    const one = new RtspClient(port);
    await one.play('/live/cam1');
    expect([viewers().length, other.count({ status: 'active' })]).toEqual([1, 1]);
    await second.detach();
    await second.detach();
    expect((await new RtspClient(port).play('/live/cam1?token=full')).status).toBe(453);
    await attachment.detach();
    expect((await new RtspClient(port).play('/live/cam1?token=full')).status).toBe(200);
    expect(Object.hasOwn(server, 'emit')).toBe(false);
    expect(server.listenerCount('connection')).toBe(1);
    one.drop();
    await other.stop();
  });

  it('rejects anything that is not such a server', () => {
    for (const none of [createHttpServer(), {}, null]) {
      expect(() => attachRtsp(none as Server, tracker)).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_SERVER' }) as Error,
      );
    }
  });
});

describe('the parser before the app', () => {
  it.each([
    ['garbage', 'GARBAGE\r\n\r\n'],
    ['a method in lower case', 'options * RTSP/1.0\r\nCSeq: 1\r\n\r\n'],
    ['a head without end', `OPTIONS * RTSP/1.0\r\nX: ${'y'.repeat(20_000)}`],
    ['a body too long', 'ANNOUNCE rtsp://h/a RTSP/1.0\r\nContent-Length: 100000\r\n\r\n'],
    ['bytes', Buffer.from([255, 0, 13, 10, 13, 10])],
  ])('ends the connection, but not the process, for %s', async (_what, said) => {
    const socket = await raw(said);
    await until('it is hung up on', () => socket.closed || socket.readableEnded);
    expect(clientErrors).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  it('gives the app whole requests, even with long heads and split bodies, and frames as events', async () => {
    server.removeListener('request', handler);
    const bodies: string[] = [];
    const frames: [number, number][] = [];
    const reading: Handler = (request, response) => {
      let body = '';
      request.socket.removeAllListeners('interleaved').on('interleaved', (channel: number, payload: Buffer) => {
        frames.push([channel, payload.length]);
      });
      request.on('data', (data: Buffer) => (body += data.toString()));
      request.on('end', () => bodies.push(body));
      response.end();
    };
    server.on('request', reading);
    const one = new RtspClient(port);
    const body = SDP + 'a=x:y\r\n'.repeat(3_000);
    const answer = one.ask('ANNOUNCE', one.url('/live/cam1'), {
      'X-Long': 'y'.repeat(3_000),
      'Content-Length': String(body.length),
    });
    for (let at = 0; at < body.length; at += 1_500) {
      one.say(body.slice(at, at + 1_500));
      await pace(2);
    }
    expect((await answer).status).toBe(200);
    await until('the body is there', () => bodies.length === 1);
    expect(bodies[0]).toBe(body);
    one.say(frame(1, packet(1, 32, 201)));
    expect((await one.ask('OPTIONS', '*')).status).toBe(200);
    one.say(Buffer.concat([frame(3, packet(1, 100)), Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 99\r\n\r\n')]));
    await until('it goes on', () => one.responses.some(({ headers }) => headers['cseq'] === '99'));
    expect(frames).toEqual([
      [1, 32],
      [3, 100],
    ]);
    one.drop();
  });

  it('keeps working after hundreds of broken connections', async () => {
    const good = Buffer.from('DESCRIBE rtsp://h/live/cam1 RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc');
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 0x21;
      await raw(bad);
      await raw(good.subarray(0, at));
    }
    sockets.splice(0).forEach((socket) => socket.destroy());
    await until('they have gone', () => tracker.count({ status: 'active' }) === 0);
    const one = new RtspClient(port);
    expect((await one.play('/live/cam1')).status).toBe(200);
    one.drop();
  });
});
