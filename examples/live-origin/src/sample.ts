import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SAMPLE = path.join(__dirname, '../sample');
const SEGMENTS = 8;
const SECONDS = 1.92;
/** Segments in the live window; as many again stay on disk for players that are late. */
const LISTED = 6;
const TRACKS = {
  video: {
    timescale: 12_800,
    codecs: 'avc1.4d4015',
    bandwidth: 100_000,
    extra: ' width="320" height="180" frameRate="25"',
  },
  audio: { timescale: 48_000, codecs: 'mp4a.40.2', bandwidth: 34_000, extra: ' audioSamplingRate="48000"' },
} as const;
type Track = keyof typeof TRACKS;
const TRACK_NAMES = Object.keys(TRACKS) as Track[];

/** A reader must never find half a file: it gets its name when it is whole. */
function writeWhole(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.tmp`, content);
  renameSync(`${file}.tmp`, file);
}

/** The same pictures at another time: the two boxes of the segment that say when it plays are rewritten. */
function segmentAt(track: Track, number: number): Buffer {
  const segment = readFileSync(path.join(SAMPLE, `${track}-${number % SEGMENTS}.m4s`));
  const time = BigInt(Math.round(number * SECONDS * TRACKS[track].timescale));
  segment.writeBigUInt64BE(time, segment.indexOf('sidx') + 16); // earliest presentation time
  segment.writeBigUInt64BE(time, segment.indexOf('tfdt') + 8); // base media decode time
  return segment;
}

function playlist(track: Track, first: number, last: number): string {
  const head = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-MAP:URI="${track}-init.mp4"\n`;
  const lines = Array.from({ length: last - first + 1 }, (_, i) => `#EXTINF:${SECONDS},\n${track}-${first + i}.m4s\n`);
  return head + lines.join('');
}

const MASTER =
  '#EXTM3U\n#EXT-X-VERSION:7\n' +
  '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="tone",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"\n' +
  '#EXT-X-STREAM-INF:BANDWIDTH=150000,RESOLUTION=320x180,CODECS="avc1.4d4015,mp4a.40.2",AUDIO="audio"\nvideo.m3u8\n';

function manifest(startedAt: number): string {
  const sets = TRACK_NAMES.map((track) => {
    const { timescale, codecs, bandwidth, extra } = TRACKS[track];
    return (
      `<AdaptationSet contentType="${track}" segmentAlignment="true" startWithSAP="1"><Representation id="${track}"` +
      ` mimeType="${track}/mp4" codecs="${codecs}" bandwidth="${bandwidth}"${extra}><SegmentTemplate timescale="${timescale}"` +
      ` duration="${SECONDS * timescale}" startNumber="0" initialization="${track}-init.mp4" media="${track}-$Number$.m4s"/>` +
      `</Representation></AdaptationSet>`
    );
  });
  return (
    '<?xml version="1.0" encoding="utf-8"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"' +
    ` profiles="urn:mpeg:dash:profile:isoff-live:2011" availabilityStartTime="${new Date(startedAt).toISOString()}"` +
    ` publishTime="${new Date(startedAt).toISOString()}" minimumUpdatePeriod="PT4S" minBufferTime="PT2S" suggestedPresentationDelay="PT4S"` +
    ` timeShiftBufferDepth="PT${LISTED * SECONDS}S"><Period id="0" start="PT0S">${sets.join('')}</Period></MPD>\n`
  );
}

/**
 * Plays the segments of `sample/` in a loop, as a live channel: the same files for HLS and DASH, one rendition. It needs
 * no ffmpeg. Goes on until the process ends.
 */
export function playSample(folder: string): void {
  const startedAt = Date.now() - LISTED * SECONDS * 1000; // as if it had been on air for one window
  let next = 0;

  const publish = (): void => {
    while (startedAt + (next + 1) * SECONDS * 1000 <= Date.now()) {
      for (const track of TRACK_NAMES) {
        writeWhole(path.join(folder, `${track}-${next}.m4s`), segmentAt(track, next));
        writeWhole(path.join(folder, `${track}.m3u8`), playlist(track, Math.max(0, next - LISTED + 1), next));
        rmSync(path.join(folder, `${track}-${next - 2 * LISTED}.m4s`), { force: true });
      }
      next += 1;
    }
    setTimeout(publish, startedAt + (next + 1) * SECONDS * 1000 - Date.now());
  };

  for (const track of TRACK_NAMES)
    copyFileSync(path.join(SAMPLE, `${track}-init.mp4`), path.join(folder, `${track}-init.mp4`));
  writeWhole(path.join(folder, 'master.m3u8'), MASTER);
  publish();
  writeWhole(path.join(folder, 'manifest.mpd'), manifest(startedAt));
}
