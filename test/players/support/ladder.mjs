/**
 * Writes a stream of one small picture in several renditions, each stuffed to its bitrate, so that no time is spent on
 * encoding: `hls/master.m3u8` below a folder. Usage: node ladder.mjs FOLDER SECONDS MBITS...
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PACKET = 188;
/** A packet of MPEG-TS that every player skips. */
const NULL_PACKET = Buffer.concat([Buffer.from([0x47, 0x1f, 0xff, 0x10]), Buffer.alloc(PACKET - 4, 0xff)]);
const SEGMENT_SECONDS = 2;

const [folder, seconds, ...rates] = process.argv.slice(2);
const made = path.join(folder, 'hls');
mkdirSync(made);
execFileSync('ffmpeg', [
  ...['-loglevel', 'error', '-f', 'lavfi', '-i', `testsrc=size=160x90:rate=10:duration=${seconds}`],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-sc_threshold', '0'],
  ...['-g', String(10 * SEGMENT_SECONDS), '-f', 'hls', '-hls_time', String(SEGMENT_SECONDS), '-hls_list_size', '0'],
  ...['-hls_playlist_type', 'vod', '-hls_segment_filename', path.join(made, 'plain%d.ts')],
  path.join(made, 'plain.m3u8'),
]);
const playlist = readFileSync(path.join(made, 'plain.m3u8'), 'utf8');
const segments = readdirSync(made).filter((name) => name.endsWith('.ts'));
const master = ['#EXTM3U'];
for (const mbits of rates) {
  mkdirSync(path.join(made, `at-${mbits}`));
  for (const segment of segments) {
    const plain = readFileSync(path.join(made, segment));
    const stuffing = Math.max(0, Math.round((mbits * 125_000 * SEGMENT_SECONDS - plain.length) / PACKET));
    const stuffed = Buffer.concat([plain, Buffer.alloc(stuffing * PACKET, NULL_PACKET)]);
    writeFileSync(path.join(made, `at-${mbits}`, segment), stuffed);
  }
  writeFileSync(path.join(made, `at-${mbits}.m3u8`), playlist.replaceAll('plain', `at-${mbits}/plain`));
  master.push(`#EXT-X-STREAM-INF:BANDWIDTH=${mbits * 1e6},RESOLUTION=160x90,CODECS="avc1.42c00b"`);
  master.push(`at-${mbits}.m3u8`);
}
writeFileSync(path.join(made, 'master.m3u8'), `${master.join('\n')}\n`);
for (const segment of segments) rmSync(path.join(made, segment));
