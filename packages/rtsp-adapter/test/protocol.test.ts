import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Challenge } from '../src/protocol/authorization.js';
import { formatReply } from '../src/protocol/response.js';
import { parseTransport } from '../src/protocol/transport-header.js';
import { parseUri, anonymous } from '../src/protocol/uri.js';

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
    ['rtsp://me:secret@h/live/cam1?token=abc', 'cam1', 'token=abc', undefined],
    ['rtsp://me:s@cr@et@[::1]:554/live/cam1', 'cam1', '', undefined],
  ])('%s is stream %s with query "%s" and track %s', (uri, stream, query, control) => {
    expect(parseUri(uri)).toMatchObject({ stream, query });
    expect(parseUri(uri)?.control).toBe(control);
  });

  it.each(['*', 'rtsp://h', 'rtsp://h/', 'http://h/live/cam1', 'cam1', 'rtsp://h/%zz', 'rtsp://me:se/cret@h/cam1', ''])(
    '"%s" names no stream',
    (uri) => expect(parseUri(uri)).toBeUndefined(),
  );

  it('recognises a track by the name that its publisher gave it', () => {
    expect(parseUri('rtsp://h/live/cam1/video', ['video', 'audio'])).toMatchObject({
      stream: 'cam1',
      control: 'video',
    });
    expect(parseUri('rtsp://h/live/cam1?token=a/audio', ['video', 'audio'])).toMatchObject({ query: 'token=a' });
    expect(parseUri('rtsp://h/live/cam1/video')).toMatchObject({ stream: 'cam1/video' });
  });

  it.each(['rtsp://me:secret@h/live/cam1?token=a@b', 'RTSPS://secret@h:1/live/cam1/trackID=0?token=a@b'])(
    'loses its user and password: %s',
    (uri) => {
      expect(parseUri(uri)).toMatchObject({ stream: 'cam1', query: 'token=a@b' });
      expect(JSON.stringify(parseUri(uri)) + anonymous(uri)).not.toContain('secret');
    },
  );

  it('may be any text without causing an exception', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseUri(text, ['track'])),
      { numRuns: 500 },
    );
  });
});

describe('a URL that an app could read as a different stream', () => {
  it.each([
    '/news/../cam1',
    '/news/%2e%2e/cam1',
    '/./cam1',
    '/cam1/..',
    '/news%3F/../cam1',
    '/news%23x',
    '/news%5c..%5ccam1',
  ])('names no stream: %s', (path) => expect(parseUri(`rtsp://h${path}`)).toBeUndefined());

  it('is not one with dots in its names', () => {
    expect(parseUri('rtsp://h/live/.cam..1./a...')).toMatchObject({ stream: '.cam..1./a...' });
  });
});

describe('a Transport header', () => {
  it('is read as its alternatives, in order', () => {
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
  ])('"%s" offers nothing that the server supports', (header) => expect(parseTransport(header)).toEqual([]));

  it('may be any text without causing an exception', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseTransport(text)),
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

  it('proves nothing with a nonce of another connection, or for another realm, stream or hash', () => {
    expect(read(answer('secret', { nonceGiven: 'f'.repeat(32) }))).toBeUndefined();
    expect(read(answer('secret', { realm: 'other' }))).toBeUndefined();
    expect(read(answer('secret', { uriGiven: 'rtsp://h/live/cam2' }))).toBeUndefined();
    expect(read(answer('secret', { more: ', algorithm=SHA-256' }))).toBeUndefined();
    expect(new Challenge('test', ['digest']).headers()).not.toEqual(new Challenge('test', ['digest']).headers());
  });

  it('is read as Basic if that is offered, and as Bearer', () => {
    const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect([opens(basic), opens(`Basic ${Buffer.from('me:wrong').toString('base64')}`)]).toEqual([true, false]);
    expect(new Challenge('test', ['digest']).credentials(basic, 'PLAY', () => true)).toBeUndefined();
    expect(read('Bearer abc.def')).toEqual({ scheme: 'bearer', token: 'abc.def' });
  });

  it('may be any text without causing an exception', () => {
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

it('no text in a reply can add a line or header to it', () => {
  const reply = formatReply({ status: 403, text: 'no\r\nX: y', headers: [['A', 'b\r\nC: d']] }, '1\r\nE: f');
  expect(reply).toBe('RTSP/1.0 403 Forbidden: no X: y\r\nCSeq: 1 E: f\r\nA: b C: d\r\n\r\n');
});
