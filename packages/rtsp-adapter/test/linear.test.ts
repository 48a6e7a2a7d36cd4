import { Challenge } from '../src/protocol/authorization.js';
import { RtspParser } from '../src/protocol/parser.js';
import { parseHead } from '../src/protocol/request.js';
import { formatReply } from '../src/protocol/response.js';
import { formatSdp, parseSdp } from '../src/protocol/sdp.js';
import { parseTransport } from '../src/protocol/transport-header.js';
import { parseUri } from '../src/protocol/uri.js';

/** Longer than anything that may come: heads end at 16 KB, bodies at 64 KB. */
const LENGTH = 64 * 1024;
/** What is linear takes a few milliseconds here, and what is not, seconds. */
const ENOUGH_MS = 300;

const challenge = new Challenge('realm', ['digest', 'basic']);
const listener = { request: () => undefined, frame: () => undefined };

/** Everything that reads the text of strangers. */
const readers: [string, (text: string) => unknown][] = [
  ['a request line', (text) => parseHead(text)],
  ['a header', (text) => parseHead(`OPTIONS * RTSP/1.0\r\n${text}`)],
  ['the value of a header', (text) => parseHead(`OPTIONS * RTSP/1.0\r\nX:${text}`)],
  ['a length', (text) => parseHead(`OPTIONS * RTSP/1.0\r\nContent-Length:${text}`)],
  ['a URL', (text) => parseUri(`rtsp://h/live/${text}`)],
  ['a URL of known tracks', (text) => parseUri(text, ['video', 'audio', '='.repeat(100)])],
  ['a query', (text) => parseUri(`rtsp://h/live/cam1?token=${text}`)],
  ['a Transport', (text) => parseTransport(text)],
  ['a parameter of a Transport', (text) => parseTransport(`RTP/AVP;client_port=${text}`)],
  ['credentials', (text) => challenge.credentials(text, 'PLAY', () => true)],
  ['Digest', (text) => challenge.credentials(`Digest ${text}`, 'PLAY', () => true)],
  [
    'the uri of Digest',
    (text) => challenge.credentials(`Digest uri="${text}"`, 'PLAY', (uri) => parseUri(uri) !== undefined),
  ],
  ['Basic', (text) => challenge.credentials(`Basic ${text}`, 'PLAY', () => true)],
  ['Bearer', (text) => challenge.credentials(`Bearer ${text}`, 'PLAY', () => true)],
  ['a description', (text) => described(text)],
  ['a medium', (text) => described(`v=0\r\nm=${text}`)],
  ['the formats of a medium', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96${text}`)],
  ['the name of a track', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96\r\na=control:${text}`)],
  ['an attribute', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:${text}`)],
  ['what is said back', (text) => formatReply({ status: 551, text, headers: [['Unsupported', text]] }, text)],
];

function described(text: string): void {
  const description = parseSdp(text);
  if (description !== undefined) formatSdp(description);
}

/** What patterns stumble over: repeated, and then something that does not fit. */
const repeated = [
  ' ',
  '\t',
  ' \t',
  'a',
  'A',
  '0',
  '/',
  '\\',
  '"',
  '=',
  ';',
  ',',
  '.',
  ':',
  '-',
  '%',
  '+',
  '?',
  '#',
  '@',
  '*',
];
const alternating = [
  'a=',
  'a="',
  'a=\\"',
  '="',
  'a ',
  'a= ',
  '/.',
  '/a',
  './',
  '%2',
  '%2f',
  ' 9',
  '&token=',
  'trackID=',
  '/trackID=1',
  '\\\\',
  '\r',
  '\n',
  '\r\n',
];
const lines = ['a=control:\r\n', 'a=\n', 'm=a\n', 'm=video 0 RTP/AVP 96\r\n', 's= \n', 'X: y\r\n', 'X:\r\n'];
const ends = ['', '\r', '\u2028', '\n', '!', '"', ' x', 'x\r', 'x\u2028', 'x\ny', '\r\n\r\n', '\u0000'];

it.each(readers)('reads %s in a time that grows with its length and no faster', (_what, read) => {
  for (const part of [...repeated, ...alternating, ...lines]) {
    const text = part.repeat(LENGTH / part.length);
    for (const end of ends) {
      const times = (): number => {
        const since = performance.now();
        read(text + end);
        return performance.now() - since;
      };
      let took = times();
      if (took > ENOUGH_MS) took = times(); // the machine may have been busy with something else
      if (took > ENOUGH_MS) throw new Error(`${took.toFixed(0)} ms for ${JSON.stringify(part + end)}`);
    }
  }
});

it('reads a request that comes byte by byte in a time that grows with its length', () => {
  for (const [start, part] of [
    ['OPTIONS * RTSP/1.0\r\nX:', ' '],
    ['OPTIONS * RTSP/1.0\n', 'X:y\n'],
    ['OPTIONS * RTSP/1.0\r\nContent-Length: 65536\r\n\r\n', 'x'],
  ] as const) {
    const parser = new RtspParser(listener);
    const since = performance.now();
    try {
      for (const byte of Buffer.from(start + part.repeat(LENGTH))) parser.write(Buffer.from([byte]));
    } catch {
      // too long, at some point
    }
    expect(performance.now() - since).toBeLessThan(2_000);
  }
});
