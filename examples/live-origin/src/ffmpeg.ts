import { spawnSync } from 'node:child_process';

/** The two renditions of the picture. The first is what testsrc2 draws, the second is scaled down from it. */
export const RENDITIONS = [
  { name: 'high', width: 640, height: 360, kbits: 900, codecs: 'avc1.42c01e,mp4a.40.2' },
  { name: 'low', width: 320, height: 180, kbits: 250, codecs: 'avc1.42c00c,mp4a.40.2' },
] as const;

const FRAMES_PER_SECOND = 25;
const AUDIO_KBITS = 64;
/** Ten seconds can be watched; five more stay on disk for players that are late. */
const LIVE_WINDOW = { segmentSeconds: 1, listed: 10, kept: 5 };

export const hasFfmpeg = (): boolean => spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).status === 0;

/** Some builds have no drawtext, some machines no font: then testsrc2's own counter is the clock. */
function canDrawText(): boolean {
  const oneFrame = [
    '-loglevel',
    'quiet',
    '-f',
    'lavfi',
    '-i',
    'color,drawtext=text=1',
    '-frames:v',
    '1',
    '-f',
    'null',
    '-',
  ];
  return spawnSync('ffmpeg', oneFrame, { stdio: 'ignore' }).status === 0;
}

function picture(): string {
  const clock =
    'drawtext=text=%{localtime\\\\:%T}:fontsize=56:fontcolor=white:borderw=2:box=1:boxcolor=black@0.7:boxborderw=16' +
    ':x=(w-tw)/2:y=(h-th)/2';
  const drawn = canDrawText() ? `,${clock}` : '';
  return `[0:v]hue=s=0.65,format=yuv420p${drawn},split[high][tolow];[tolow]scale=${RENDITIONS[1].width}:${RENDITIONS[1].height}[low]`;
}

function encoder(): string[] {
  const rates = RENDITIONS.flatMap(({ kbits }, i) =>
    ['b', 'maxrate', 'bufsize'].flatMap((option) => [`-${option}:v:${i}`, `${kbits}k`]),
  );
  const gop = String(FRAMES_PER_SECOND * LIVE_WINDOW.segmentSeconds); // every segment starts with a key frame
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', gop, '-sc_threshold', '0'];
  return [...video, ...rates, '-c:a', 'aac', '-b:a', `${AUDIO_KBITS}k`, '-ac', '1', '-flags', '+global_header'];
}

/** One muxer of the tee: inside it `:` separates options and `'` needs two levels of escapes. */
const slave = (options: Record<string, string | number>, file: string): string =>
  `[${Object.entries(options)
    .map(([name, value]) => `${name}=${/[:, ]/.test(String(value)) ? `\\'${value}\\'` : value}`)
    .join(':')}]${file}`;

function hls(rendition: number, segments: 'mpegts' | 'fmp4'): string {
  const { name } = RENDITIONS[rendition]!;
  const [folder, suffix] = segments === 'mpegts' ? ['ts', 'ts'] : ['fmp4', 'm4s'];
  const options = {
    select: `v:${rendition},a`,
    f: 'hls',
    hls_time: LIVE_WINDOW.segmentSeconds,
    hls_list_size: LIVE_WINDOW.listed,
    hls_delete_threshold: LIVE_WINDOW.kept,
    // temp_file: a segment gets its name when it is whole, so that nobody is served half of one
    hls_flags: 'delete_segments+temp_file+program_date_time+independent_segments',
    hls_segment_type: segments,
    ...(segments === 'fmp4' && { hls_fmp4_init_filename: `${name}-init.mp4` }),
    hls_segment_filename: `${folder}/${name}-%05d.${suffix}`,
  };
  return slave(options, `${folder}/${name}.m3u8`);
}

function dash(): string {
  const options = {
    f: 'dash',
    seg_duration: LIVE_WINDOW.segmentSeconds,
    window_size: LIVE_WINDOW.listed,
    extra_window_size: LIVE_WINDOW.kept,
    adaptation_sets: 'id=0,streams=v id=1,streams=a',
  };
  return slave(options, 'dash/manifest.mpd');
}

/** What a server of this scheme is sent. */
const CONTAINERS: Readonly<Record<string, Record<string, string | number>>> = {
  'rtmp:': { f: 'flv', flvflags: 'no_duration_filesize' },
  'rtsp:': { f: 'rtsp', rtsp_transport: 'tcp' },
  'srt:': { f: 'mpegts' },
};

/** Publishes the better rendition. The files do not wait for it, and a server that hangs up is called again. */
function publication(url: string): string {
  const options = {
    select: 'v:0,a',
    ...CONTAINERS[new URL(url).protocol],
    onfail: 'ignore',
    use_fifo: 1,
    fifo_options:
      'attempt_recovery=1:recover_any_error=1:recovery_wait_time=2:restart_with_keyframe=1:drop_pkts_on_overflow=1',
  };
  return slave(options, url);
}

/**
 * Encodes a moving picture and a tone once, writes them as HLS (TS and fMP4) and DASH below its working folder, and publishes
 * them to these URLs.
 */
export function ffmpegArguments(publishTo: readonly string[]): string[] {
  const files = [hls(0, 'mpegts'), hls(1, 'mpegts'), hls(0, 'fmp4'), hls(1, 'fmp4'), dash()];
  const input = (source: string): string[] => ['-re', '-f', 'lavfi', '-i', source];
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
    ...input(`testsrc2=size=${RENDITIONS[0].width}x${RENDITIONS[0].height}:rate=${FRAMES_PER_SECOND}`),
    ...input('sine=frequency=220:sample_rate=48000:beep_factor=4'),
    ...['-filter_complex', picture(), '-map', '[high]', '-map', '[low]', '-map', '1:a'],
    ...encoder(),
    ...['-f', 'tee', [...files, ...publishTo.map(publication)].join('|')],
  ];
}

/** The multivariant playlist of one folder: ffmpeg writes the renditions, their list never changes. */
export function masterPlaylist(): string {
  const variants = RENDITIONS.map(
    ({ name, width, height, kbits, codecs }) =>
      `#EXT-X-STREAM-INF:BANDWIDTH=${(kbits + AUDIO_KBITS) * 1200},RESOLUTION=${width}x${height},CODECS="${codecs}"\n${name}.m3u8\n`,
  );
  return `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n${variants.join('')}`;
}
