import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Challenge } from '../src/protocol/authorization.js';
import { formatReply } from '../src/protocol/response.js';
import { formatSdp, parseSdp } from '../src/protocol/sdp.js';
import { parseTransport } from '../src/protocol/transport-header.js';
import { parseUri } from '../src/protocol/uri.js';
import { SDP } from './support/rtsp-client.js';

describe('a URL', () => {
  it.each([
    ['rtsp://h/live/cam1', 'cam1', '', undefined],
    ['rtsp://h:554/live/cam1/', 'cam1', '', undefined],
    ['rtsps://[::1]:322/cam1', 'cam1', '', undefined],
    ['rtsp://h/live/cam1/trackID=1', 'cam1', '', 'trackID=1'],
    ['rtsp://h/live/cam1?token=abc', 'cam1', 'token=abc', undefined],
    ['rtsp://h/live/cam1?token=abc/', 'cam1', 'token=abc', undefined],
    ['rtsp://h/live/cam1?token=abc/streamid=0', 'cam1', 'token=abc', 'streamid=0'],
    ['rtsp://h/live/cam1/?token=a/b/trackID=12', 'cam1', 'token=a/b', 'trackID=12'],
    ['rtsp://h/live/cam1/stream=0?token=abc', 'cam1', 'token=abc', 'stream=0'],
    ['rtsp://h/live/cam1?token=abc#x', 'cam1', 'token=abc', undefined],
    ['rtsp://h/live/a%20b/c', 'a b/c', '', undefined],
    ['/live/cam1', 'cam1', '', undefined],
  ])('%s is stream %s with query "%s" and track %s', (uri, stream, query, control) => {
    expect(parseUri(uri)).toMatchObject({ stream, query });
    expect(parseUri(uri)?.control).toBe(control);
  });

  it.each(['*', 'rtsp://h', 'rtsp://h/', 'http://h/live/cam1', 'cam1', 'rtsp://h/%zz', ''])(
    '"%s" names no stream',
    (uri) => expect(parseUri(uri)).toBeUndefined(),
  );

  it('knows a track by the name that its publisher gave it', () => {
    expect(parseUri('rtsp://h/live/cam1/video', ['video', 'audio'])).toMatchObject({
      stream: 'cam1',
      control: 'video',
    });
    expect(parseUri('rtsp://h/live/cam1?token=a/audio', ['video', 'audio'])).toMatchObject({ query: 'token=a' });
    expect(parseUri('rtsp://h/live/cam1/video')).toMatchObject({ stream: 'cam1/video' });
  });

  it('bears any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseUri(text, ['track'])),
      { numRuns: 500 },
    );
  });
});

describe('a URL that an app could read as another stream', () => {
  it.each([
    '/news/../cam1',
    '/news/%2e%2e/cam1',
    '/./cam1',
    '/cam1/..',
    '/news%3F/../cam1',
    '/news%23x',
    '/news%5c..%5ccam1',
  ])('names none: %s', (path) => expect(parseUri(`rtsp://h${path}`)).toBeUndefined());

  it('is not one with dots in its names', () => {
    expect(parseUri('rtsp://h/live/.cam..1./a...')).toMatchObject({ stream: '.cam..1./a...' });
  });
});

describe('a Transport header', () => {
  it('is read as its offers, in order', () => {
    expect(
      parseTransport('RTP/AVP/TCP;unicast;interleaved=2-3;mode=record, RTP/AVP;unicast;client_port=5000-5001'),
    ).toEqual([
      { lower: 'tcp', interleaved: [2, 3], isRecord: true, isMulticast: false },
      { lower: 'udp', clientPorts: [5000, 5001], isRecord: false, isMulticast: false },
    ]);
    expect(parseTransport('RTP/AVP/UDP;unicast;client_port=5000;mode="PLAY"')).toMatchObject([
      { clientPorts: [5000, 5001] },
    ]);
  });

  it.each([
    'RTP/SAVP;unicast;client_port=5000-5001',
    'RTP/AVP;unicast;client_port=5000-70000',
    'RTP/AVP;unicast;client_port=x',
    'RTP/AVP/TCP;interleaved=255-256',
    'RTP/AVP/TCP;interleaved=-1-0',
    'RAW/RAW/UDP;client_port=1-2',
    '',
  ])('"%s" is none that could be kept', (header) => expect(parseTransport(header)).toEqual([]));

  it('bears any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseTransport(text)),
      { numRuns: 500 },
    );
  });
});

describe('a description', () => {
  it('goes to players with our names for the tracks, and without the addresses of the publisher', () => {
    const text = formatSdp(parseSdp(SDP.replace('t=0 0', 'c=IN IP4 10.0.0.7\r\nt=0 0\r\na=control:*'))!);
    expect(text.split('\r\n')).toEqual([
      'v=0',
      'o=- 0 0 IN IP4 127.0.0.1',
      's=test',
      't=0 0',
      'a=control:*',
      'm=video 0 RTP/AVP 96',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:96 H264/90000',
      'a=control:trackID=0',
      'm=audio 0 RTP/AVP 97',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:97 MPEG4-GENERIC/44100/1',
      'a=control:trackID=1',
      '',
    ]);
  });

  it('has the shape of another one that the same player could play', () => {
    const shape = (text: string) => parseSdp(text)?.shape;
    expect(shape(SDP)).toBe(shape(SDP.replace('s=test', 's=other').replace('o=- 0 0', 'o=- 7 8')));
    expect(shape(SDP)).not.toBe(shape(SDP.replace('H264', 'H265')));
    expect(shape(SDP)).not.toBe(shape(SDP.slice(0, SDP.indexOf('m=audio'))));
  });

  it.each([
    ['nothing', ''],
    ['no media', 'v=0\r\ns=x\r\n'],
    ['media that is no RTP', 'v=0\r\nm=application 9 TCP/WSS 1\r\n'],
    ['a line that is none', `${SDP}hello\r\n`],
    ['a control character', SDP.replace('s=test', 's=\u0007')],
    ['too many tracks', `v=0\r\n${'m=audio 0 RTP/AVP 0\r\n'.repeat(17)}`],
  ])('with %s is none', (_what, text) => expect(parseSdp(text)).toBeUndefined());

  it('bears any text, and what it takes it can give', () => {
    const line = fc.constantFrom(
      'v=0',
      's=x',
      'm=video 0 RTP/AVP 96',
      'a=control:x',
      'a=control:*',
      'a=rtpmap:96 H264/90000',
      'x',
      'c=IN',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => ['v=0', ...lines].join('\n')),
        ),
        (text) => {
          const description = parseSdp(text);
          if (description === undefined) return;
          expect(parseSdp(formatSdp(description))?.shape).toBe(description.shape);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('an Authorization header', () => {
  const challenge = new Challenge('test', ['digest', 'basic']);
  const [, digest = ''] = challenge.headers()[0]!;
  const nonce = /nonce="(\w+)"/.exec(digest)![1]!;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const uri = 'rtsp://h/live/cam1';
  const answer = (
    password: string,
    { realm = 'test', nonceGiven = nonce, uriGiven = uri, more = '', middle = '' } = {},
  ) => {
    const response = md5(`${md5(`me:${realm}:${password}`)}:${nonceGiven}${middle}:${md5(`PLAY:${uriGiven}`)}`);
    return `Digest username="me", realm="${realm}", nonce="${nonceGiven}", uri="${uriGiven}", response="${response}"${more}`;
  };
  const read = (header: string) => challenge.credentials(header, 'PLAY', (other) => other === uri);
  const opens = (header: string) => {
    const credentials = read(header);
    return credentials !== undefined && credentials.scheme !== 'bearer' && credentials.verify('secret');
  };

  it('proves a password by digest, with and without qop', () => {
    expect(read(answer('secret'))).toMatchObject({ scheme: 'digest', user: 'me' });
    expect(opens(answer('secret'))).toBe(true);
    expect(opens(answer('wrong'))).toBe(false);
    const qop = { middle: ':00000001:xyz:auth', more: ', qop=auth, nc=00000001, cnonce="xyz", algorithm=MD5' };
    expect(opens(answer('secret', qop))).toBe(true);
  });

  it('proves nothing with the nonce of another connection, another realm, another stream or another hash', () => {
    expect(read(answer('secret', { nonceGiven: 'f'.repeat(32) }))).toBeUndefined();
    expect(read(answer('secret', { realm: 'other' }))).toBeUndefined();
    expect(read(answer('secret', { uriGiven: 'rtsp://h/live/cam2' }))).toBeUndefined();
    expect(read(answer('secret', { more: ', algorithm=SHA-256' }))).toBeUndefined();
    expect(new Challenge('test', ['digest']).headers()).not.toEqual(new Challenge('test', ['digest']).headers());
  });

  it('of one endless word is read in no time', () => {
    const began = performance.now();
    for (let i = 0; i < 20; i++) read(`Digest ${'a'.repeat(16_000)}`);
    expect(performance.now() - began).toBeLessThan(1_000); // 5 s, when each of its letters may begin a name
  });

  it('is read as Basic where that is offered, and as Bearer', () => {
    const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect([opens(basic), opens(`Basic ${Buffer.from('me:wrong').toString('base64')}`)]).toEqual([true, false]);
    expect(new Challenge('test', ['digest']).credentials(basic, 'PLAY', () => true)).toBeUndefined();
    expect(read('Bearer abc.def')).toEqual({ scheme: 'bearer', token: 'abc.def' });
  });

  it('bears any text', () => {
    const rest = fc.oneof(fc.string(), fc.constantFrom('username="', 'username="\\', 'realm=,,,=', '='.repeat(500)));
    fc.assert(
      fc.property(
        fc.constantFrom('Basic', 'Digest', 'Bearer', ''),
        rest,
        (scheme, text) => void read(`${scheme} ${text}`),
      ),
    );
  });
});

it('formats a reply that nothing in it can break out of', () => {
  const reply = formatReply({ status: 403, text: 'no\r\nX: y', headers: [['A', 'b\r\nC: d']] }, '1\r\nE: f');
  expect(reply).toBe('RTSP/1.0 403 Forbidden: no X: y\r\nCSeq: 1 E: f\r\nA: b C: d\r\n\r\n');
});
