import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Way } from './ways.js';

/** A command line. */
type Command = readonly string[];

/** A client, and what it does here. What is not in `plays` or `publishes`, its build in Debian 12 cannot do. */
export interface Client {
  readonly name: string;
  /** Its package. */
  readonly debian: string;
  readonly plays: Partial<Record<Way, (url: string, given: Given) => Command>>;
  readonly publishes?: Partial<Record<Way, (url: string, given: Given) => Command>>;
}

/** What a client may need beside the address. */
export interface Given {
  /** A file to publish, again and again at the speed of time. */
  readonly flv: string;
  /** A TCP port of 127.0.0.1 that is free. */
  readonly port: number;
}

/** VLC does not run as root. */
const asNobody: Command =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/tmp'] : [];

const vlc = (url: string, ...more: string[]): Command => [
  ...asNobody,
  ...['cvlc', '-q', '--no-color', '--vout=dummy', '--aout=dummy', ...more, url, 'vlc://quit'],
];
const mpv = (url: string, ...more: string[]): Command => [
  ...['mpv', '--no-config', '--really-quiet', '--vo=null', '--ao=null', ...more, url],
];
const mplayer = (url: string): Command => [
  'mplayer',
  '-really-quiet',
  '-nolirc',
  '-nocache',
  '-vo',
  'null',
  '-ao',
  'null',
  url,
];
const gst = (...pipeline: string[]): Command => ['gst-launch-1.0', '-q', ...pipeline];
const playbin = (url: string): Command => gst('playbin3', `uri=${url}`, 'video-sink=fakesink', 'audio-sink=fakesink');
const rtspsrc = (url: string, transport: string): Command =>
  gst('rtspsrc', `location=${url}`, `protocols=${transport}`, 'name=s', 's.', '!', 'fakesink', 's.', '!', 'fakesink');
const ffmpeg = (url: string, ...more: string[]): Command => [
  ...['ffmpeg', '-v', 'error', '-nostdin', ...more, '-i', url, '-c', 'copy', '-f', 'null', '-'],
];
const again = ({ flv }: Given): Command => [
  'ffmpeg',
  '-v',
  'error',
  '-nostdin',
  '-re',
  '-stream_loop',
  '-1',
  '-i',
  flv,
];
/** exec: so that a signal reaches the client itself. */
const piped = (given: Given, command: string): Command => [
  ...['bash', '-c', `exec ${command} < <(${again(given).join(' ')} -c copy -f mpegts - 2> /dev/null)`],
];

/** What comes as MPEG-TS, its picture alone. */
const gstFrom = (rest: string): string => `gst-launch-1.0 -q fdsrc ! tsdemux ! h264parse ! ${rest}`;

/** nginx of its own in a folder of its own, one process in the foreground. */
function nginx(port: number, application: string): Command {
  const folder = mkdtempSync(path.join(tmpdir(), 'clients-nginx-'));
  const config = `
    load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    rtmp { server { listen 127.0.0.1:${port}; application live { live on; ${application} } } }`;
  writeFileSync(path.join(folder, 'nginx.conf'), config);
  return ['nginx', '-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')];
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'ffmpeg',
    debian: 'ffmpeg',
    plays: {
      RTMP: (url) => ffmpeg(url),
      'HTTP-FLV': (url) => ffmpeg(url),
      'RTSP over TCP': (url) => ffmpeg(url, '-rtsp_transport', 'tcp'),
      'RTSP over UDP': (url) => ffmpeg(url, '-rtsp_transport', 'udp'),
      SRT: (url) => ffmpeg(url),
      HLS: (url) => ffmpeg(url),
      DASH: (url) => ffmpeg(url),
    },
    publishes: {
      RTMP: (url, given) => [...again(given), '-c', 'copy', '-f', 'flv', url],
      'RTSP over TCP': (url, given) => [...again(given), '-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', url],
      'RTSP over UDP': (url, given) => [...again(given), '-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'udp', url],
      SRT: (url, given) => [...again(given), '-c', 'copy', '-f', 'mpegts', url],
    },
  },
  {
    name: 'VLC',
    debian: 'vlc-bin',
    plays: {
      RTMP: (url) => vlc(url),
      'HTTP-FLV': (url) => vlc(url),
      SRT: (url) => vlc(url),
      HLS: (url) => vlc(url),
      DASH: (url) => vlc(url),
    },
  },
  {
    name: 'mpv',
    debian: 'mpv',
    plays: {
      RTMP: (url) => mpv(url),
      'HTTP-FLV': (url) => mpv(url),
      'RTSP over TCP': (url) => mpv(url, '--rtsp-transport=tcp'),
      'RTSP over UDP': (url) => mpv(url, '--rtsp-transport=udp'),
      SRT: (url) => mpv(url),
      HLS: (url) => mpv(url),
      DASH: (url) => mpv(url),
    },
  },
  {
    name: 'mplayer',
    debian: 'mplayer',
    plays: {
      RTMP: (url) => mplayer(`ffmpeg://${url}`),
      'HTTP-FLV': (url) => mplayer(url),
      'RTSP over UDP': (url) => mplayer(`ffmpeg://${url}`),
      SRT: (url) => mplayer(`ffmpeg://${url}`),
    },
  },
  {
    name: 'GStreamer',
    debian: 'gstreamer1.0-tools',
    plays: {
      RTMP: (url) => gst('rtmp2src', `location=${url}`, '!', 'fakesink'),
      'HTTP-FLV': (url) => gst('souphttpsrc', `location=${url}`, '!', 'fakesink'),
      'RTSP over TCP': (url) => rtspsrc(url, 'tcp'),
      'RTSP over UDP': (url) => rtspsrc(url, 'udp'),
      SRT: (url) => gst('srtsrc', `uri=${url}`, '!', 'fakesink'),
      HLS: playbin,
    },
    publishes: {
      RTMP: (url, given) => piped(given, gstFrom(`flvmux streamable=true ! rtmp2sink location='${url}'`)),
      'RTSP over TCP': (url, given) => piped(given, gstFrom(`rtspclientsink protocols=tcp location='${url}'`)),
      SRT: (url, given) => {
        const [uri, streamId] = url.split('?streamid='); // in its address `#` would begin a fragment
        return piped(
          given,
          `gst-launch-1.0 -q fdsrc ! tsparse alignment=7 ! srtsink uri='${uri}' streamid='${streamId}'`,
        );
      },
    },
  },
  {
    name: 'rtmpdump',
    debian: 'rtmpdump',
    plays: { RTMP: (url) => ['rtmpdump', '-q', '-v', '-r', url, '-o', '/dev/null'] },
  },
  {
    name: 'srt-live-transmit',
    debian: 'srt-tools',
    plays: {
      SRT: (url) => ['bash', '-c', `exec srt-live-transmit -q -a:no '${url}' file://con > /dev/null`],
    },
    publishes: { SRT: (url, given) => piped(given, `srt-live-transmit -q -a:no file://con '${url}'`) },
  },
  {
    name: 'nginx-rtmp',
    debian: 'libnginx-mod-rtmp',
    plays: { RTMP: (url, { port }) => nginx(port, `pull ${url} name=pulled static;`) },
    publishes: {
      RTMP: (url, given) => {
        const feed = `${again(given).join(' ')} -c copy -f flv rtmp://127.0.0.1:${given.port}/live/fed`;
        return nginx(given.port, `push ${url}; exec_static ${feed};`);
      },
    },
  },
];
