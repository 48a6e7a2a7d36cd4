import type { Server } from 'node:net';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtsp, createRtspServer, type RtspServer } from '../src/index.js';
import { flood } from './support/flood.js';
import { app, createServer, listening, type Handler } from './support/package-server.js';
import { frame, packet, RtspClient, SDP } from './support/rtsp-client.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Each of them tries to leave 10 MiB in the server. */
const CONNECTIONS = 30;
const BYTES = 10 * MIB;
/** Who is to be cut goes on until it is: what comes while it is being hung up on, half a second, is read and thrown away. */
const UNTIL_CUT = 1000 * BYTES;
/** Of 300 MiB: buffers of sockets, garbage not collected yet, and 64 KiB for each. */
const ENOUGH = 90 * MIB;

const later: Policy = {
  name: 'later',
  admit: ({ token }) => (token === 'later' ? new Promise(() => undefined) : { allow: true }),
};

const request = (method: string, path: string, more = '', body = '') =>
  `${method} rtsp://127.0.0.1${path} RTSP/1.0\r\nCSeq: 1\r\n${more}${body && `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const setUp = (track: number, more = '') =>
  request('SETUP', `/live/cam1/${more ? 'streamid' : 'trackID'}=${track}`, `Transport: RTP/AVP/TCP;unicast${more}\r\n`);
const PLAYING = [request('DESCRIBE', '/live/cam1'), setUp(0), request('PLAY', '/live/cam1')];
const latin1 = (bytes: Buffer): string => bytes.toString('latin1');
let tracker: SessionTracker;
let publisher: RtspClient | undefined;

const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };

beforeEach(() => (tracker = createTracker({ policies: [later], maxSessionsPerIp: 10_000, logger })));
afterEach(async () => {
  publisher?.drop();
  await tracker.stop();
});

describe('the relay’s memory does not grow, whatever is sent by', () => {
  let server: RtspServer;
  let port: number;

  beforeEach(async () => {
    server = createRtspServer({ tracker });
    ({ port } = await server.listen(0, '127.0.0.1'));
    publisher = new RtspClient(port);
    await publisher.publish('/live/cam1');
  });
  afterEach(() => server.close());

  it.each([
    ['players that send interleaved data', PLAYING, latin1(frame(1, packet(1, 1400))), 0],
    ['players that send frames of the longest kind', PLAYING, latin1(frame(7, Buffer.alloc(65_535, 0x24))), 0],
    ['players that send what is neither', PLAYING, 'x'.repeat(1000), CONNECTIONS],
    ['players that send bodies to nothing', PLAYING, request('SET_PARAMETER', '*', '', 'x'.repeat(60_000)), 0],
    [
      'players that send bodies that are too long',
      PLAYING,
      'PLAY * RTSP/1.0\r\nContent-Length: 99999\r\n\r\n',
      CONNECTIONS,
    ],
    ['strangers that send heads without end', [], 'OPTIONS', CONNECTIONS],
    [
      'strangers that send more behind a question that is not answered',
      [request('OPTIONS', '*')],
      request('DESCRIBE', '/live/cam1?token=later'),
      CONNECTIONS,
    ],
  ])(
    '%s',
    async (_what, opening, again, cut) => {
      const flooded = await flood({ port, connections: CONNECTIONS, opening, again, bytes: cut ? UNTIL_CUT : BYTES });
      expect(flooded.cut).toBe(cut);
      if (cut === 0) expect(flooded.sent).toBeGreaterThanOrEqual(CONNECTIONS * BYTES);
      expect(flooded.grownBy).toBeLessThan(ENOUGH);
    },
    60_000,
  );

  it.each([
    ['players that ask and do not read', PLAYING],
    ['strangers that ask and do not read', []],
  ])(
    '%s',
    async (_what, opening) => {
      const again = request('DESCRIBE', '/live/cam1');
      const flooded = await flood({ port, connections: CONNECTIONS, opening, again, bytes: UNTIL_CUT, isDeaf: true });
      expect(flooded.cut).toBe(CONNECTIONS);
      expect(flooded.grownBy).toBeLessThan(ENOUGH);
    },
    60_000,
  );

  it('publishers that send data other than their media', async () => {
    const announce = request('ANNOUNCE', '/live/p#', 'Content-Type: application/sdp\r\n', SDP);
    const record = ';interleaved=0-1;mode=record';
    const opening = [announce, setUp(0, record).replace('cam1', 'p#'), request('RECORD', '/live/p#')];
    const reports = Array.from({ length: 32 }, (_, lane) => frame(lane, packet(1, 65_000, 200)));
    const again = latin1(
      Buffer.concat([...reports, Buffer.from(request('SET_PARAMETER', '*', '', 'x'.repeat(60_000)))]),
    );
    const flooded = await flood({ port, connections: CONNECTIONS, opening, again, bytes: BYTES });
    expect([flooded.cut, server.streams.length]).toEqual([0, CONNECTIONS + 1]);
    expect(flooded.grownBy).toBeLessThan(ENOUGH);
  });
});

it('the relay’s memory does not grow, whatever is sent to its UDP ports', async () => {
  const server = createRtspServer({ tracker });
  const { port } = await server.listen(0, '127.0.0.1');
  const own = (publisher = new RtspClient(port, { over: 'udp' }));
  await own.publish('/live/cam1');
  const player = new RtspClient(port, { over: 'udp' });
  await player.play('/live/cam1');
  const before = process.memoryUsage.rss();
  let most = 0;
  for (let i = 0; i < 200; i++) {
    for (const lane of [0, 1, 2, 3]) {
      own.send(lane, packet(i, 60_000, 200));
      player.send(lane, packet(i, 60_000, 201));
    }
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, process.memoryUsage.rss());
  }
  expect(most - before).toBeLessThan(ENOUGH);
  player.drop();
  await server.close();
});

describe('the memory of the npm package rtsp-server does not grow, whatever is sent by', () => {
  let server: Server;
  let port: number;

  beforeEach(async () => {
    // With much to say: reading requests is slow there.
    const talkative: Handler = (asked, response) => {
      if (asked.method === 'DESCRIBE') response.setHeader('X-Long', 'y'.repeat(60_000));
      app(asked, response);
    };
    server = createServer(talkative);
    attachRtsp(server, tracker);
    port = await listening(server);
  });
  afterEach(() => void server.close());

  it.each([
    ['players that send interleaved data', PLAYING, latin1(frame(1, packet(1, 1400))), 0, ENOUGH],
    [
      'strangers that send more behind a question that is not answered',
      [request('OPTIONS', '*')],
      request('DESCRIBE', '/live/cam1?token=later'),
      CONNECTIONS,
      ENOUGH,
    ],
    [
      'strangers that send bodies that no app reads',
      [],
      request('OPTIONS', '*', '', 'x'.repeat(60_000)),
      0,
      2 * ENOUGH,
    ],
  ])(
    '%s',
    async (_what, opening, again, cut, enough) => {
      const flooded = await flood({ port, connections: CONNECTIONS, opening, again, bytes: cut ? UNTIL_CUT : BYTES });
      expect(flooded.cut).toBe(cut);
      expect(flooded.grownBy).toBeLessThan(enough);
    },
    60_000,
  );

  it.each([
    ['players that ask and do not read', PLAYING],
    ['strangers that ask and do not read', []],
  ])(
    '%s',
    async (_what, opening) => {
      const again = request('DESCRIBE', '/live/cam1');
      const flooded = await flood({ port, connections: CONNECTIONS, opening, again, bytes: UNTIL_CUT, isDeaf: true });
      expect(flooded.cut).toBe(CONNECTIONS);
      expect(flooded.grownBy).toBeLessThan(ENOUGH);
    },
    60_000,
  );
});
