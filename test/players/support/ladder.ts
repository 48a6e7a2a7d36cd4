import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { program } from './programs.js';

const PACKET = 188;
/** A packet of MPEG-TS that every player skips. */
const NULL_PACKET = Buffer.concat([Buffer.from([0x47, 0x1f, 0xff, 0x10]), Buffer.alloc(PACKET - 4, 0xff)]);
const SECONDS = 2;

/**
 * A stream of one small picture in several renditions, each stuffed to its bitrate: no time is spent on encoding. Writes
 * `hls/master.m3u8` below the folder.
 */
export function writeLadder(folder: string, mbits: readonly number[], seconds: number): void {
  const made = path.join(folder, 'hls');
  mkdirSync(made);
  execFileSync(program('ffmpeg'), [
    ...['-loglevel', 'error', '-f', 'lavfi', '-i', `testsrc=size=160x90:rate=10:duration=${seconds}`],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-g',
      String(10 * SECONDS),
      '-sc_threshold',
      '0',
    ],
    ...['-f', 'hls', '-hls_time', String(SECONDS), '-hls_list_size', '0', '-hls_playlist_type', 'vod'],
    ...['-hls_segment_filename', path.join(made, 'plain%d.ts'), path.join(made, 'plain.m3u8')],
  ]);
  const playlist = readFileSync(path.join(made, 'plain.m3u8'), 'utf8');
  const segments = readdirSync(made).filter((name) => name.endsWith('.ts'));
  const master = ['#EXTM3U'];
  for (const rate of mbits) {
    const name = `at-${rate}`;
    mkdirSync(path.join(made, name));
    for (const segment of segments) {
      const plain = readFileSync(path.join(made, segment));
      const stuffing = Math.max(0, Math.round((rate * 125_000 * SECONDS - plain.length) / PACKET));
      const stuffed = Buffer.concat([plain, Buffer.alloc(stuffing * PACKET, NULL_PACKET)]);
      writeFileSync(path.join(made, name, segment), stuffed);
    }
    writeFileSync(path.join(made, `${name}.m3u8`), playlist.replaceAll('plain', `${name}/plain`));
    master.push(`#EXT-X-STREAM-INF:BANDWIDTH=${rate * 1e6},RESOLUTION=160x90,CODECS="avc1.42c00b"`, `${name}.m3u8`);
  }
  writeFileSync(path.join(made, 'master.m3u8'), `${master.join('\n')}\n`);
  for (const segment of segments) rmSync(path.join(made, segment));
}
