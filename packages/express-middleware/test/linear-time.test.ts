import Negotiator from 'negotiator';
import type { IncomingMessage } from 'node:http';
import { cmcdDecoder, loadCmcdDecoder } from '../src/cmcd/decoder.js';
import { qualityOf } from '../src/cmcd/quality.js';
import { cmcdText } from '../src/cmcd/raw.js';
import { cmcdSid } from '../src/cmcd/sid.js';
import { MediaTypes } from '../src/media/extensions.js';
import { mediaFinder } from '../src/media/media-request.js';
import { mountOf } from '../src/media/mount.js';
import { streamOfCallback } from '../src/media/stream-name.js';
import { clientReader } from '../src/request/client-address.js';
import { cookieValue } from '@stream-sessions/core/spi';
import { requestInfo } from '../src/request/request-info.js';
import { writeDash } from '../src/rewrite/dash.js';
import { writeHls } from '../src/rewrite/hls.js';
import { TokenInUri } from '../src/rewrite/token-in-uri.js';
import { tokenSettings } from '../src/tokens/options.js';
import { tokenReader } from '../src/tokens/reader.js';
import { expectLinearTime } from '../../../test/support/linear-time.js';

const find = mediaFinder(new MediaTypes(), () => true);
const tokens = tokenReader(tokenSettings({ parameter: 'key' }));
const client = clientReader(true);
const uri = new TokenInUri('tkn', 'me', { host: 'h', secure: false }, ['token', 'tkn']);
const request = (text: string, headers: Record<string, string> = {}) =>
  ({ url: text, headers, socket: { remoteAddress: '127.0.0.1' }, rawHeaders: [] }) as unknown as IncomingMessage;

/** Everything of the middleware that reads what a stranger wrote. */
const READERS: Record<string, (text: string) => unknown> = {
  'a target': (text) => find(request(text)),
  'a path': (text) => find(request(`/${text}`)),
  'a path of a media file': (text) => find(request(`/${text}/seg0.ts`)),
  'an absolute target': (text) => find(request(`http://${text}/seg0.ts`)),
  'a query': (text) => find(request(`/cam1/seg0.ts?${text}`)),
  'a mount': (text) => mountOf(Object.assign(request('/seg0.ts'), { baseUrl: `/${text}` })),
  'a stream of a parameter': (text) => streamOfCallback(text),
  'a token of a query': (text) => tokens.read(text, undefined),
  'a token of a cookie': (text) => tokens.read('', text),
  'a cookie': (text) => cookieValue(text, 'token'),
  'what is hidden': (text) => tokens.hide(text, 'secret'),
  'a CMCD query': (text) => cmcdSid(text, undefined),
  'a CMCD argument': (text) => cmcdSid(`CMCD=${text}`, undefined),
  'a CMCD header': (text) => cmcdSid('', text),
  'a CMCD report': (text) => {
    const said = cmcdText('', { 'cmcd-status': text.slice(0, 4096) });
    return said && qualityOf(said, cmcdDecoder()!);
  },
  'a forwarding header': (text) => client.address(requestInfo(request('/', { 'x-forwarded-for': text }))),
  'a forwarded host': (text) => client.host(requestInfo(request('/', { 'x-forwarded-host': text, host: text }))),
  'a forwarded protocol': (text) => client.secure(requestInfo(request('/', { 'x-forwarded-proto': text }))),
  'accepted encodings': (text) =>
    new Negotiator({ headers: { 'accept-encoding': text } }).encoding(['gzip', 'identity']),
  'a URI of a playlist': (text) => uri.write(text),
  'a tag of a playlist': (text) => writeHls(`#EXTM3U\n#EXT-X-MAP:URI="a",${text}\n`, uri),
  'a playlist': (text) => writeHls(`#EXTM3U\n${text}\n`, uri),
  'variables of a playlist': (text) => writeHls(`#EXTM3U\n#EXT-X-DEFINE:NAME="a",${text}\n{$a}${text}\n`, uri),
  'a manifest': (text) => writeDash(`<MPD>${text}</MPD>`, uri),
  'an attribute of a manifest': (text) => writeDash(`<MPD><SegmentURL media="${text}"/></MPD>`, uri),
  'a tag of a manifest': (text) => writeDash(`<MPD><SegmentURL ${text}`, uri),
};

const ATOMS = [
  ...[
    ' ',
    '\t',
    '\n',
    '=',
    '"',
    "'",
    '\\',
    ',',
    ';',
    ':',
    '%',
    '%25',
    '%2e',
    '%2f',
    '/',
    '//',
    '/../',
    '../',
    '.',
    '. ',
    '?',
    '#',
  ],
  ...[
    'a',
    '1',
    '&',
    '&#',
    '&amp;',
    '+',
    '[',
    '[a',
    '{$',
    '{$a}',
    '<',
    '</',
    '<!--',
    '<![CDATA[',
    '<S t="1"/>',
    '<a>',
    '\u00e9',
  ],
  ...[
    'sid=',
    'sid="',
    'sid="\\',
    ',sid',
    'CMCD=',
    '&CMCD=',
    'token=',
    ';token=',
    ' token=',
    'token=a&',
    'key=',
    '.ts',
    '.ts.',
    '.ts ',
  ],
  ...[
    'URI=',
    'URI="',
    ',URI=a',
    'X-ASSET-LIST=',
    '#EXT-X-PREFETCH:',
    '#EXT-X-PREFETCH:\n',
    '#EXT-X-MAP:\n',
    'NAME="',
    'bs,',
    'br=(1;v',
    '127.0.0.1,',
    'https ',
  ],
];

beforeAll(() => loadCmcdDecoder());

it.each(Object.entries(READERS))('%s of 32 KB is read in linear time', (_name, read) => {
  for (const atom of ATOMS) {
    for (const end of ['!', '"']) {
      expectLinearTime(read, (length) => atom.repeat(Math.ceil(length / atom.length)).slice(0, length) + end);
    }
  }
});

it('the measurement detects a quadratic pattern', () => {
  const read = (text: string) => /\s+$/.test(`${text}x`);
  expect(() => expectLinearTime(read, (length) => ' '.repeat(length))).toThrow('times as long as for an eighth');
});
