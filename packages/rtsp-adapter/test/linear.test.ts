import { expectLinearTime } from '../../../test/support/linear-time.js';
import { Challenge } from '../src/protocol/authorization.js';
import { RtspParser, RtspSyntaxError } from '../src/protocol/parser.js';
import { parseHead } from '../src/protocol/request.js';
import { formatReply } from '../src/protocol/response.js';
import { formatSdp, readSdp } from '../src/protocol/sdp.js';
import { parseTransport } from '../src/protocol/transport-header.js';
import { parseUri } from '../src/protocol/uri.js';

/** Longer than anything that may come: heads end at 16 KB, bodies at 64 KB. */
const LENGTH = 64 * 1024;

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
  ['credentials', (text) => offer('', text)],
  ['Digest', (text) => offer('Digest ', text)],
  ['the uri of Digest', (text) => offer('Digest uri="', text)],
  ['Basic', (text) => offer('Basic ', text)],
  ['Bearer', (text) => offer('Bearer ', text)],
  ['a description', (text) => described(text)],
  ['a medium', (text) => described(`v=0\r\nm=${text}`)],
  ['the formats of a medium', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96${text}`)],
  ['the name of a track', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96\r\na=control:${text}`)],
  ['an attribute', (text) => described(`v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:${text}`)],
  ['what is said back', (text) => formatReply({ status: 551, text, headers: [['Unsupported', text]] }, text)],
];

/** What is too long is not looked at; this is as much work as if it were. */
function offer(scheme: string, text: string): void {
  const isSameStream = (uri: string): boolean => parseUri(uri) !== undefined;
  for (let i = 0; i < 30; i++) challenge.credentials(scheme + text.slice(-8_100), 'PLAY', isSameStream);
}

function described(text: string): void {
  const { description } = readSdp(text);
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
const lines = [
  '//a:b',
  '//@',
  'a=control:\r\n',
  'a=\n',
  'm=a\n',
  'm=video 0 RTP/AVP 96\r\n',
  's= \n',
  'X: y\r\n',
  'X:\r\n',
];
const ends = ['', '"', 'x\r', 'x\u2028', 'x\ny', '\r\n\r\n'];

it.each(readers)('reading %s takes time that grows no faster than its length', (_what, read) => {
  for (const part of [...repeated, ...alternating, ...lines]) {
    for (const end of ends) {
      expectLinearTime(read, (length) => part.repeat(length / part.length) + end, LENGTH);
    }
  }
});

it.each([
  ['a head that does not end', 'OPTIONS * RTSP/1.0\r\nX:', ' '],
  ['many headers', 'OPTIONS * RTSP/1.0\n', 'X:y\n'],
  ['a body', 'OPTIONS * RTSP/1.0\r\nContent-Length: 65536\r\n\r\n', 'x'],
  ['a frame', '$\0\xff\xff', 'x'],
])('reading %s byte by byte takes time that grows no faster than its length', (_what, start, part) => {
  const read = (text: string): void => {
    const parser = new RtspParser(listener);
    try {
      for (let i = 0; i < text.length; i++) parser.write(Buffer.from([text.charCodeAt(i)]));
    } catch (error) {
      if (!(error instanceof RtspSyntaxError)) throw error;
    }
  };
  expectLinearTime(read, (length) => start + part.repeat(length / part.length));
});
