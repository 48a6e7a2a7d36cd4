import { joined, serverAddress } from '../../src/client/server-address.js';
import { streamOf } from '../../src/client/stream-of.js';

describe('the server address as encoders send it', () => {
  // OBS, FMLE, ffmpeg and librtmp send what stands in the field for the server as `tcUrl`, and its path and query as `app`.
  // Version 2 has taken the first slash out of `app` before anybody is told.
  it.each<[string, unknown, unknown, string, string]>([
    ['plain', 'live', 'rtmp://h/live', 'live', ''],
    ['with a port', 'live', 'rtmp://h:1935/live', 'live', ''],
    ['with a slash at its end', 'live', 'rtmp://h/live/', 'live', ''],
    ['with a query', 'live?token=abc', 'rtmp://h/live?token=abc', 'live', 'token=abc'],
    ['with a slash in the query', 'live?token=ab', 'rtmp://h/live?token=a/b', 'live', 'token=a/b'],
    ['with a slash before the query', 'live?token=abc', 'rtmp://h/live/?token=abc', 'live', 'token=abc'],
    ['with an address in the query', 'live?from=rtmp:/h/x', 'rtmp://h/live?from=rtmp://h/x', 'live', 'from=rtmp://h/x'],
    ['whose query stands in tcUrl only', 'live', 'rtmp://h/live?token=abc', 'live', 'token=abc'],
    ['whose query stands in app only', 'live?token=abc', 'rtmp://h/live', 'live', 'token=abc'],
    ['with an instance of the application', 'livestudio', 'rtmp://h/live/studio', 'livestudio', ''],
    ['with an instance and a query', 'livestudio?t=1', 'rtmp://h/live/studio?t=1', 'livestudio', 't=1'],
    ['with a user and a password', 'live', 'rtmp://me:password@h/live?a=b', 'live', 'a=b'],
    ['with a password that no URL may have', 'live', 'rtmp://me:pass?word@h/live?a=b', 'live', ''],
    ['of a proxy, with another name', 'live', 'rtmps://proxy/elsewhere?token=abc', 'live', ''],
    ['without tcUrl', 'live?token=abc', undefined, 'live', 'token=abc'],
    ['that is not text', 7, { a: 1 }, '', ''],
    ['that is too long', 'live', `rtmp://h/live?token=${'x'.repeat(5000)}`, 'live', ''],
    ['with an empty query', 'live?', 'rtmp://h/live?', 'live', ''],
  ])('%s', (_which, app, tcUrl, expected, query) => {
    expect(serverAddress(app, tcUrl)).toEqual({ app: expected, query });
  });

  it('has its query joined with that of the stream name', () => {
    expect([joined('', ''), joined('a=1', ''), joined('', 'b=2'), joined('a=1', 'b=2')]).toEqual([
      '',
      'a=1',
      'b=2',
      'a=1&b=2',
    ]);
  });
});

describe('the stream of a path in version 2', () => {
  it.each([
    ['/live/cam1', 'cam1'],
    ['/cam1', 'cam1'],
    ['//cam1', 'cam1'],
    ['/live/studio/cam1', 'studio/cam1'],
    ['/other/cam1', 'other/cam1'],
    ['/live/Kamera 1 (außen)', 'Kamera 1 (außen)'],
    ['/live/cam.1', 'cam.1'],
    ['/live/me@home', 'me@home'],
  ])('%s is %s', (path, stream) => expect(streamOf(path)).toBe(stream));

  it.each([
    '/live/',
    '/live//cam1',
    '/live/cam1/',
    '/live/cam1#another',
    '/live?token=abc/cam1',
    '/live/cam1/trackID=1',
    '/live/rtmp://me:password@h/live/cam1',
    '/rtmp:/me:password@h/live/cam1',
    '/',
    '',
  ])('%j could be read as another stream, or contains a password: it names none', (path) =>
    expect(streamOf(path)).toBeUndefined(),
  );
});
