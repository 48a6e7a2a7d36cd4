/**
 * Writing a viewer's token into a playlist of 60 segments, against a bare split and join of the same lines, alternating
 * in one run. Both end with the bytes that a response takes.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { median, table } from './lib.mjs';

const require = createRequire(import.meta.url);
const dist = path.dirname(require.resolve('@stream-sessions/express-middleware'));
const { TokenInUri } = require(path.join(dist, 'rewrite/token-in-uri.js'));
const { writeHls } = require(path.join(dist, 'rewrite/hls.js'));
const { writeDash } = require(path.join(dist, 'rewrite/dash.js'));

const ROUNDS = 31;
const RUNS = 2000;
const SEGMENTS = 60;
const TOKEN = '6e2fb550c45711e9bb970800200c9a66';

const head = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-TARGETDURATION:4', '#EXT-X-MEDIA-SEQUENCE:1234'];
const each = (lines) => Array.from({ length: SEGMENTS }, (_, i) => lines(`720p/segment-${10_000 + i}`)).flat();
const time = (i) => `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:${String(i % 60).padStart(2, '0')}:00.000Z`;

const PLAYLISTS = {
  'TS segments': [...head, ...each((name) => ['#EXTINF:4.000,', `${name}.ts`])],
  'TS segments with times': [...head, ...each((name) => [time(name.length), '#EXTINF:4.000,', `${name}.ts`])],
  'fMP4 segments with queries': [
    ...head,
    '#EXT-X-MAP:URI="720p/init.mp4"',
    ...each((name) => ['#EXTINF:4.000,', `${name}.m4s?v=1`]),
  ],
  'low latency, 4 parts each': [
    ...head,
    ...each((name) => [
      ...[0, 1, 2, 3].map((part) => `#EXT-X-PART:DURATION=1,URI="${name}.${part}.m4s"`),
      '#EXTINF:4.000,',
      `${name}.m4s`,
    ]),
  ],
};

const MANIFEST = `<?xml version="1.0"?><MPD><Period><AdaptationSet><SegmentTemplate timescale="1000"
media="$RepresentationID$/$Number$.m4s" initialization="$RepresentationID$/init.mp4"><SegmentTimeline>${'<S d="4000"/>'.repeat(SEGMENTS)}</SegmentTimeline>
</SegmentTemplate><Representation id="1" bandwidth="1000"/></AdaptationSet></Period></MPD>`;

const origin = { host: 'media.example', secure: true };
const names = ['token', 'tkn'];
const write = (text) => writeHls(text, new TokenInUri('tkn', TOKEN, origin, names));
const manifest = (text) => writeDash(text, new TokenInUri('tkn', TOKEN, origin, names));
const splitAndJoin = (text) => text.split('\n').join('\n');

let kept = 0;
/** Microseconds per playlist, from the bytes of a response to the bytes of a response. */
function measure(change, bytes) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < RUNS; i++) kept += Buffer.from(change(bytes.toString())).length;
  return Number(process.hrtime.bigint() - start) / RUNS / 1000;
}

const rows = [['60 segments', 'written', 'split/join', 'ratio', 'target']];
for (const [name, lines] of Object.entries(PLAYLISTS)) {
  const bytes = Buffer.from(lines.join('\n'));
  if (write(bytes.toString()).split('tkn=').length - 1 < SEGMENTS) throw new Error('the token is not there');
  const times = { write: [], bare: [] };
  for (let round = -5; round < ROUNDS; round++) {
    const a = measure(write, bytes);
    const b = measure(splitAndJoin, bytes);
    if (round < 0) continue;
    times.write.push(a);
    times.bare.push(b);
  }
  const ratio = median(times.write.map((value, i) => value / times.bare[i]));
  rows.push([
    name,
    `${median(times.write).toFixed(1)} µs`,
    `${median(times.bare).toFixed(1)} µs`,
    ratio.toFixed(2),
    name.startsWith('TS segments') ? '<= 20 µs, <= 4' : '',
  ]);
}
const bytes = Buffer.from(MANIFEST);
const times = Array.from({ length: ROUNDS }, () => measure(manifest, bytes));
rows.push(['DASH, one template, timeline', `${median(times).toFixed(1)} µs`, '', '', '']);
table(rows);
if (kept === 0) throw new Error('nothing was written');
