import { once } from 'node:events';
import { connect } from 'node:net';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { createRtspServer, type RtspServer, type RtspServerOptions } from '../src/index.js';
import { packet, RtspClient, SDP } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';

/** Clients that do not do as the RFC says, or do what it says and others do not. */
let server: RtspServer;
let port: number;
let tracker: SessionTracker;
const clients: RtspClient[] = [];

async function serve(options: RtspServerOptions = {}): Promise<void> {
  tracker = createTracker();
  server = createRtspServer({ tracker, ...options });
  ({ port } = await server.listen(0, '127.0.0.1'));
}

function client(): RtspClient {
  const made = new RtspClient(port);
  clients.push(made);
  return made;
}

beforeEach(() => serve());

afterEach(async () => {
  clients.splice(0).forEach((each) => each.drop());
  await server.close();
  await tracker.stop();
});

const viewers = () => tracker.list({ status: 'active', kind: 'viewer' });

describe('an encoder', () => {
  it('may send an empty Session header before there is a session, as some on Android do', async () => {
    expect((await client().publish('/live/cam1', { Session: '' })).status).toBe(200);
    expect(server.streams).toEqual(['cam1']);
    expect((await client().ask('OPTIONS', '*', { Session: ' ' })).status).toBe(200);
    expect((await client().ask('DESCRIBE', client().url('/live/cam1'), { Session: '', Require: '' })).status).toBe(200);
  });

  it('may describe in its SDP how it would send, and announce media that cannot be relayed', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const encoder = client();
    const odd = 'm=application 9 TCP/WSS 1\r\na=control:streamid=9\r\n(null)\r\n';
    const sdp = SDP.replace('m=audio', `${odd}m=audio`).replaceAll('RTP/AVP', 'RTP/AVP/TCP');
    expect((await encoder.announce('/live/odd', {}, sdp)).status).toBe(200);
    const url = encoder.url('/live/odd');
    // It sets up all that it has announced, in its own order.
    for (const [name, track] of [
      ['streamid=0', 0],
      ['streamid=9', 1],
      ['streamid=1', 2],
    ] as const) {
      expect((await encoder.setUp(`${url}/${name}`, track, {}, ';mode=record')).status).toBe(200);
    }
    expect((await encoder.ask('RECORD', url)).status).toBe(200);
    expect(warn.mock.calls).toEqual([
      [
        'The RTSP stream "odd" is relayed without a part of what its publisher announced: ' +
          'line 8 "m=application 9 TCP/WSS 1", line 10 of its SDP',
        { code: 'STREAM_SESSIONS_SDP_LEFT_OUT' },
      ],
    ]);
    const player = client();
    expect((await player.play('/live/odd')).status).toBe(200);
    encoder.send(0, packet(1, 111));
    encoder.send(2, packet(2, 222));
    encoder.send(4, packet(3, 333));
    await until('the last is there', () => player.packets.length >= 2);
    expect(player.packets.map(({ channel, payload }) => [channel, payload.length])).toEqual([
      [0, 111],
      [2, 333],
    ]);
    // The same encoder, back after a while.
    encoder.drop();
    expect((await client().announce('/live/odd', {}, sdp)).status).toBe(200);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it.each([
    [
      'v=0\r\nm=application 9 TCP/WSS 1\r\n',
      ': nothing in this SDP can be relayed: line 2 "m=application 9 TCP/WSS 1"',
    ],
    ['v=0\r\nhello\r\n', ': nothing in this SDP can be relayed: line 2'],
    ['v=0\r\n', ': this SDP has no medium (m=)'],
  ])('learns which line of its SDP is to blame: %j', async (sdp, reason) => {
    expect(await client().announce('/live/cam1', {}, sdp)).toMatchObject({
      status: 400,
      phrase: `Bad Request${reason}`,
    });
    expect(tracker.stats().openedTotal).toBe(0);
  });
});

it.each([
  ['LF alone', '\n'],
  ['CRLF and LF, mixed', '\r\n|\n'],
])('requests whose lines end with %s are answered', async (_what, ends) => {
  const publisher = client();
  await publisher.publish('/live/cam1');
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  let said = '';
  socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
  const say = (lines: string[]): void => {
    const [one = '', other = one] = ends.split('|');
    socket.write(lines.map((line, i) => line + (i % 2 === 0 ? other : one)).join(''));
  };
  const url = `rtsp://127.0.0.1:${port}/live/cam1`;
  say(['', `OPTIONS ${url} RTSP/1.0`, 'CSeq: 1', '']);
  say([`DESCRIBE ${url} RTSP/1.0`, 'CSeq: 2', 'Accept: application/sdp', '']);
  say([`SETUP ${url}/trackID=0 RTSP/1.0`, 'CSeq: 3', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1', '']);
  say([`PLAY ${url} RTSP/1.0`, 'CSeq: 4', '']);
  await until('media comes', () => said.includes('$'));
  expect(said.match(/RTSP\/1\.0 \d+/g)).toEqual(Array(4).fill('RTSP/1.0 200'));
  expect(viewers()).toHaveLength(1);
  socket.destroy();
});

describe('the track of a stream with a token', () => {
  /** What players make of the name of a track. */
  const resolvers: [string, (control: string, base: string) => string][] = [
    ['RFC 3986, as RFC 2326 has it', (control, base) => new URL(control, base).href],
    // live555, ffmpeg, VLC: what has a scheme is taken as it is, and anything else appended
    ['appending', (control, base) => (control.includes('://') ? control : `${base.replace(/\/$/, '')}/${control}`)],
    // GStreamer: joined by paths, with the query of the base
    [
      'joining paths',
      (control, base) => {
        if (control.includes('://')) return control;
        const url = new URL(base);
        url.pathname = `${url.pathname.replace(/\/$/, '')}/${control}`;
        return url.href;
      },
    ],
  ];

  it.each(resolvers)('is the same to a player that resolves by %s', async (_how, resolve) => {
    await client().publish('/live/a/cam1');
    for (const query of ['', '?token=abc', '?x=1&token=a%2Fb=', '?token=abc/', '?token=a/b']) {
      for (const path of ['/live/a/cam1', '/a/cam1/']) {
        const asking = client();
        const described = await asking.ask('DESCRIBE', asking.url(path + query));
        const base = described.headers['content-base']!;
        const controls = [...described.body.matchAll(/^a=control:(.*)\r$/gm)].map(([, control]) => control!);
        expect(controls[0]).toBe('*');
        const token = new URLSearchParams(query).get('token');
        // On a connection of its own: the URL has to say it all.
        const player = client();
        for (const [track, control] of controls.slice(1).entries()) {
          const answer = await player.setUp(resolve(control, base), track);
          expect([control, answer.status]).toEqual([control, 200]);
        }
        // What is asked for the whole of it is the base.
        expect((await player.ask('PLAY', new URL('', base).href)).status).toBe(200);
        await until('it plays both', () => new Set(player.packets.map(({ channel }) => channel)).size >= 2);
        expect(viewers().at(-1)).toMatchObject({ stream: 'a/cam1', namedBy: token ? 'token' : 'fingerprint' });
        asking.drop();
        player.drop();
        await until('both have gone', () => viewers().length === 0);
      }
    }
  });
});
