import fc from 'fast-check';
import { Parser } from 'm3u8-parser';
import { writeHls } from '../../src/rewrite/hls.js';
import { PAIR, tokens } from './support.js';

const write = (text: string, playlistsOnly = false) => writeHls(text, tokens(), playlistsOnly);
const me = tokens({ token: 'me' });

const MASTER = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key.bin",IV=0x0123
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key1",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="a ,URI=b"
#EXT-X-SESSION-DATA:DATA-ID="com.example.lyrics",URI="lyrics.json"
#EXT-X-CONTENT-STEERING:SERVER-URI="/steering?video=1",PATHWAY-ID="A"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, \u00e4",URI="audio/en.m3u8",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="x",URI="subs/en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="y",INSTREAM-ID="CC1"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="iframes.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,AUDIO="a"
720p/index.m3u8?quality=high
# a comment with URI="comment.ts"

#EXT-X-STREAM-INF:BANDWIDTH=640000,AUDIO="a"
https://cdn.example/360p/index.m3u8
`;

const MEDIA = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-PART-INF:PART-TARGET=1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="init.mp4",BYTERANGE="800@0"
#EXT-X-KEY:METHOD=AES-128,URI="https://media.example:8080/key?id=1",IV=0x01
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:4,URI="title.ts"
seg7.m4s
#EXT-X-BYTERANGE:100@0
#EXTINF:4,
/cam1/seg8.m4s?v=1#t=1
#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="ad.m3u8",X-COM-URI="no"
#EXT-X-DATERANGE:ID="ads",START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="ads.json"
#EXT-X-PART:DURATION=1,URI="seg9.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="seg9.1.m4s"
#EXT-X-RENDITION-REPORT:URI="../low/index.m3u8",LAST-MSN=9
`;

describe('a tag whose URI is not a quoted attribute', () => {
  it.each([
    ['#EXT-X-PREFETCH:seg9.ts', '#EXT-X-PREFETCH:seg9.ts?tkn=me'],
    ['#EXT-X-PREFETCH: seg9.ts?a=1 \t', '#EXT-X-PREFETCH: seg9.ts?a=1&tkn=me \t'],
    ['#EXT-X-PREFETCH:seg9.ts\r', '#EXT-X-PREFETCH:seg9.ts?tkn=me\r'],
    ['#EXT-X-TWITCH-PREFETCH:/cam1/seg9.ts', '#EXT-X-TWITCH-PREFETCH:/cam1/seg9.ts?tkn=me'],
    ['#EXT-X-PREFETCH:http://media.example:8080/seg9.ts', '#EXT-X-PREFETCH:http://media.example:8080/seg9.ts?tkn=me'],
    ['#EXT-X-PREFETCH:https://cdn.example/seg9.ts', '#EXT-X-PREFETCH:https://cdn.example/seg9.ts'],
    ['#EXT-X-PREFETCH:', '#EXT-X-PREFETCH:'],
    ['#EXT-X-PREFETCH-DISCONTINUITY', '#EXT-X-PREFETCH-DISCONTINUITY'],
    ['#EXT-X-KEY:METHOD=AES-128,URI=key.bin,IV=0x01', '#EXT-X-KEY:METHOD=AES-128,URI=key.bin?tkn=me,IV=0x01'],
    ['#EXT-X-MAP:URI=init.mp4', '#EXT-X-MAP:URI=init.mp4?tkn=me'],
    ['#EXT-X-MEDIA:NAME="a, URI=b",URI=a.m3u8', '#EXT-X-MEDIA:NAME="a, URI=b",URI=a.m3u8?tkn=me'],
    ['#EXT-X-DATERANGE:ID="a",X-ASSET-LIST=a.json,X="b"', '#EXT-X-DATERANGE:ID="a",X-ASSET-LIST=a.json?tkn=me,X="b"'],
    ['#EXT-X-KEY:METHOD=AES-128,URI=https://cdn.example/k', '#EXT-X-KEY:METHOD=AES-128,URI=https://cdn.example/k'],
    ["#EXT-X-MAP:URI='init.mp4'", "#EXT-X-MAP:URI='init.mp4'"],
    ['#EXT-X-SESSION-DATA:DATA-ID=a,MYURI=b.json', '#EXT-X-SESSION-DATA:DATA-ID=a,MYURI=b.json'],
    ['#PREFETCH:seg9.ts', '#PREFETCH:seg9.ts'],
  ])('%s', (tag, written) => {
    expect(writeHls(`#EXTM3U\n${tag}\n#EXTINF:4,\n`, me)).toBe(`#EXTM3U\n${written}\n#EXTINF:4,\n`);
  });

  it('counts as a segment, and stays unchanged with playlistsOnly', () => {
    const text = '#EXTM3U\n#EXT-X-PREFETCH:seg9.ts\n';
    expect(writeHls(text, me, true)).toBe(text);
  });
});

describe('an HLS master playlist', () => {
  it('carries the token in every URI of its own origin, and is otherwise unchanged', () => {
    const changed: [string, string][] = [
      ['"key.bin"', `"key.bin?${PAIR}"`],
      ['"lyrics.json"', `"lyrics.json?${PAIR}"`],
      ['/steering?video=1', `/steering?video=1&${PAIR}`],
      ['audio/en.m3u8', `audio/en.m3u8?${PAIR}`],
      ['subs/en.m3u8', `subs/en.m3u8?${PAIR}`],
      ['iframes.m3u8', `iframes.m3u8?${PAIR}`],
      ['quality=high', `quality=high&${PAIR}`],
    ];
    expect(write(MASTER)).toBe(changed.reduce((text, [from, to]) => text.replace(from, to), MASTER));
  });

  it('carries the token only in playlists with playlistsOnly', () => {
    const changed = ['audio/en.m3u8', 'subs/en.m3u8', 'iframes.m3u8'].reduce(
      (text, uri) => text.replace(uri, `${uri}?${PAIR}`),
      MASTER.replace('quality=high', `quality=high&${PAIR}`),
    );
    expect(write(MASTER, true)).toBe(changed);
  });
});

describe('an HLS media playlist', () => {
  it('carries the token in segments, parts, hints, maps, keys, reports and interstitials', () => {
    const changed: [string, string][] = [
      ['"init.mp4"', `"init.mp4?${PAIR}"`],
      ['key?id=1', `key?id=1&${PAIR}`],
      ['seg7.m4s', `seg7.m4s?${PAIR}`],
      ['seg8.m4s?v=1', `seg8.m4s?v=1&${PAIR}`],
      ['ad.m3u8', `ad.m3u8?${PAIR}`],
      ['ads.json', `ads.json?${PAIR}`],
      ['seg9.0.m4s', `seg9.0.m4s?${PAIR}`],
      ['seg9.1.m4s', `seg9.1.m4s?${PAIR}`],
      ['low/index.m3u8', `low/index.m3u8?${PAIR}`],
    ];
    expect(write(MEDIA)).toBe(changed.reduce((text, [from, to]) => text.replace(from, to), MEDIA));
  });

  it('carries the token only in reports of other playlists with playlistsOnly', () => {
    expect(write(MEDIA, true)).toBe(MEDIA.replace('low/index.m3u8', `low/index.m3u8?${PAIR}`));
  });

  it.each([
    ['Windows line endings', '#EXTM3U\r\n#EXTINF:4,\r\na.ts\r\n', '#EXTM3U\r\n#EXTINF:4,\r\na.ts?tkn=me\r\n'],
    ['no line ending at all', '#EXTM3U\n#EXTINF:4,\na.ts', '#EXTM3U\n#EXTINF:4,\na.ts?tkn=me'],
    ['blanks', '#EXTM3U\n  \n \ta.ts \t\n', '#EXTM3U\n  \n \ta.ts?tkn=me \t\n'],
    ['a byte order mark', '\ufeff#EXTM3U\na.ts\n', '\ufeff#EXTM3U\na.ts?tkn=me\n'],
    [
      'a URI that looks like a tag',
      '#EXTM3U\na.ts?URI="b"\n#EXT-X-MAP:URI="c"\n',
      '#EXTM3U\na.ts?URI="b"&tkn=me\n#EXT-X-MAP:URI="c?tkn=me"\n',
    ],
    [
      'blanks between attributes',
      '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128, URI="k" \n',
      '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128, URI="k?tkn=me" \n',
    ],
    [
      'two URIs in one tag',
      '#EXTM3U\n#EXT-X-X:URI="a",X-ASSET-URI="b"\n',
      '#EXTM3U\n#EXT-X-X:URI="a?tkn=me",X-ASSET-URI="b?tkn=me"\n',
    ],
    [
      'broken attributes',
      '#EXTM3U\n#EXT-X-KEY:URI="k\n#EXT-X-KEY:=,URI="k"\na.ts\n',
      '#EXTM3U\n#EXT-X-KEY:URI="k\n#EXT-X-KEY:=,URI="k?tkn=me"\na.ts?tkn=me\n',
    ],
  ])('keeps %s', (_what, text, written) => expect(writeHls(text, me)).toBe(written));

  it.each(['', '<html>', 'a.ts\n', ' #EXTM3U', 'EXTM3U'])('is not recognised in %j', (text) => {
    expect(writeHls(text, me)).toBeUndefined();
  });

  it('stays the same string if no URI is of its own origin', () => {
    const text = '#EXTM3U\nhttps://cdn.example/a.ts\n';
    expect(writeHls(text, me)).toBe(text);
  });

  it('substitutes variables, which may contain the host or a query', () => {
    const define = (value: string) => `#EXTM3U\n#EXT-X-DEFINE:NAME="v",VALUE="${value}"\n`;
    const uri = (value: string, line: string) => writeHls(`${define(value)}${line}\n`, me)?.slice(define(value).length);
    expect(uri('720p', '{$v}/a.ts')).toBe('720p/a.ts?tkn=me\n');
    expect(uri('?x=1', 'a.ts{$v}')).toBe('a.ts?x=1&tkn=me\n');
    expect(uri('https://cdn.example', '{$v}/a.ts')).toBe('{$v}/a.ts\n');
    expect(uri('720p', '{$other}/a.ts')).toBe('{$other}/a.ts\n');
    expect(uri('720p', '#EXT-X-MAP:URI="{$v}/i.mp4"')).toBe('#EXT-X-MAP:URI="720p/i.mp4?tkn=me"\n');
    expect(uri('https://cdn.example"\n#EXT-X-DEFINE:NAME="v",VALUE="x', '{$v}/a.ts')).toBe('{$v}/a.ts\n');
    const imported = '#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="v"\n{$v}/a.ts\n';
    expect(writeHls(imported, me)).toBe(imported);
  });

  it('does not let variables blow up a short text', () => {
    const define = `#EXTM3U\n#EXT-X-DEFINE:NAME="v",VALUE="${'x'.repeat(50_000)}"\n`;
    const few = `${define}${'{$v}.ts\n'.repeat(10)}`;
    expect(writeHls(few, me)).toHaveLength(define.length + 10 * 'tkn=me.ts?\n'.length + 500_000);
    for (const line of ['{$v}'.repeat(50_000), '{$v}\n'.repeat(50_000)]) {
      expect(writeHls(`${define}${line}\n`, me)?.length).toBeLessThan(5_000_000);
    }
  });
});

/** What a parser of other people reads, and the URIs in it by their place. */
function parsed(text: string) {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  const uris: [path: string, uri: string][] = [];
  const rest = JSON.stringify(parser.manifest, (key, value: unknown) => {
    if (typeof value === 'string' && /uri$/i.test(key)) uris.push([key, value]);
    return typeof value === 'string' && /uri$/i.test(key) ? '*' : value;
  });
  return { uris, rest };
}

const word = fc.string({ unit: fc.constantFrom(...'abcz019-_.'), minLength: 1, maxLength: 8 });
const relative = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '?x=1', '?', '?a=b&tkn=old', '#t', '?x#t'))
  .map(([path, end]) => `${path.join('/')}.ts${end}`);
const away = fc.constantFrom('https://cdn.example/a.ts?x', '//cdn.example/b', 'skd://k', 'http://media.example/a.ts');
const home = relative.map((path) => `http://media.example:8080/${path}`);
const anyUri = fc.oneof({ weight: 4, arbitrary: relative }, home, away);
const segment = fc.record({
  uri: anyUri,
  tags: fc.subarray([
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z',
    '#EXT-X-KEY:METHOD=AES-128,URI="k.bin",IV=0x00000000000000000000000000000001',
    '#EXT-X-MAP:URI="init.mp4"',
    '#EXT-X-PART:DURATION=1,URI="p.m4s"',
    '# comment, URI="x"',
    '',
  ]),
});
const mediaPlaylist = fc
  .record({ segments: fc.array(segment), eol: fc.constantFrom('\n', '\r\n') })
  .map(({ segments, eol }) =>
    ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-TARGETDURATION:4', '#EXT-X-MEDIA-SEQUENCE:1']
      .concat(segments.flatMap(({ uri, tags }) => [...tags, '#EXTINF:4.0,', uri]))
      .concat('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="next.m4s"', '')
      .join(eol),
  );
const masterPlaylist = fc
  .array(anyUri, { minLength: 1 })
  .map((uris) =>
    ['#EXTM3U', '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="n",URI="audio.m3u8"']
      .concat(uris.flatMap((uri) => ['#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"', uri]))
      .join('\n'),
  );

describe('any HLS playlist', () => {
  it('reads the same in another parser, except for the token in its URIs', () => {
    fc.assert(
      fc.property(fc.oneof(mediaPlaylist, masterPlaylist), fc.string({ minLength: 1 }), (text, token) => {
        const before = parsed(text);
        const after = parsed(writeHls(text, tokens({ token })) as string);
        expect(after.rest).toBe(before.rest);
        expect(after.uris).toHaveLength(before.uris.length);
        for (const [i, [, uri]] of before.uris.entries()) expectToken(uri, after.uris[i]![1], token);
      }),
    );
  });

  it('never crashes the writer, whatever it contains, and is written only once', () => {
    const bits = ['#EXTM3U', '\n', '\r', '#EXT-X-MAP:', 'URI=', '"', ',', 'a.ts', '{$', '}', '#EXT-X-DEFINE:', 'NAME='];
    const noise = fc.array(fc.oneof(fc.constantFrom(...bits), fc.string({ unit: 'binary' })), { maxLength: 40 });
    fc.assert(
      fc.property(noise, fc.boolean(), (parts, playlistsOnly) => {
        const text = `#EXTM3U\n${parts.join('')}`;
        const written = writeHls(text, me, playlistsOnly) as string;
        expect(writeHls(written, me, playlistsOnly)).toBe(written);
        expect(written.split('\n')).toHaveLength(text.split('\n').length);
      }),
      { numRuns: 2000 },
    );
  });

  it('is written in linear time, however odd it is', () => {
    const millions = 4_000_000;
    const fills = [
      '#EXT-X-MAP:URI="',
      'URI=',
      '#EXT-X-MAP:URI="a",',
      'a b',
      '#EXT-X-MAP:A= ',
      '\n#EXT-X-DEFINE:',
      '{$a}',
      '\t',
      '"',
      'x\n#EXT-X:URI=',
    ];
    for (const fill of fills) {
      const text = `#EXTM3U\n#EXT-X-MAP:${fill.repeat(millions / fill.length)}`;
      const from = process.cpuUsage();
      writeHls(text, me);
      const { user } = process.cpuUsage(from);
      expect([fill, user < 3_000_000]).toEqual([fill, true]);
    }
  });
});

/** The same URI, which carries the token if it leads home and nowhere else. */
function expectToken(before: string, after: string, token: string): void {
  const base = 'http://media.example:8080/cam1/index.m3u8';
  const [from, to] = [new URL(before, base), new URL(after, base)];
  if (from.host !== 'media.example:8080') return expect(after).toBe(before);
  expect(to.searchParams.getAll('tkn')).toEqual([token]);
  for (const url of [from, to]) url.searchParams.delete('tkn');
  expect(to.href).toBe(from.href);
}
