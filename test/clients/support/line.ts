import { startCountingProxy } from '../../players/support/counting-proxy.js';
import { startRecordingProxy } from '../../players/support/recording-proxy.js';
import { startRtspUdpProxy } from '../../players/support/rtsp-udp-proxy.js';
import { startSrtProxy } from '../../players/support/srt-proxy.js';
import type { Way } from './ways.js';

/** The line between one client and the server: what went over it is what the client took, or gave. */
export interface Line {
  readonly port: number;
  taken(): number;
  /** Undefined where nobody can count it on the way. */
  given(): number | undefined;
  stop(): unknown;
}

export async function startLine(way: Way, port: number, publishes: boolean): Promise<Line> {
  // a publisher sends to ports that it is told, past any proxy
  if (publishes && way === 'RTSP over UDP')
    return { port, taken: () => 0, given: () => undefined, stop: () => undefined };
  if (way === 'HLS' || way === 'DASH') {
    const proxy = await startRecordingProxy(`http://127.0.0.1:${port}/`);
    const media = () => proxy.requests.filter(({ status }) => status >= 200 && status < 300);
    return {
      port: Number(new URL(proxy.url).port),
      taken: () => media().reduce((sum, { bytes }) => sum + bytes, 0),
      given: () => undefined,
      stop: () => proxy.stop(),
    };
  }
  const [start, isCounted] = {
    RTMP: [startCountingProxy, true] as const,
    'HTTP-FLV': [startCountingProxy, false] as const,
    'RTSP over TCP': [startCountingProxy, true] as const,
    'RTSP over UDP': [startRtspUdpProxy, false] as const,
    SRT: [startSrtProxy, true] as const,
  }[way];
  const proxy = await start(port);
  return {
    port: proxy.port,
    taken: proxy.passed,
    given: () => (isCounted ? proxy.came?.() : undefined),
    stop: proxy.stop,
  };
}

const PATHS: Readonly<Record<Way, string>> = {
  RTMP: 'rtmp://HOST/live/NAME?token=TOKEN',
  'HTTP-FLV': 'http://HOST/live/NAME.flv?token=TOKEN',
  'RTSP over TCP': 'rtsp://HOST/live/NAME?token=TOKEN',
  'RTSP over UDP': 'rtsp://HOST/live/NAME?token=TOKEN',
  SRT: 'srt://HOST?streamid=live/NAME?token=TOKEN',
  HLS: 'http://HOST/live/NAME/hls.m3u8?token=TOKEN',
  DASH: 'http://HOST/live/NAME/dash.mpd?token=TOKEN',
};
/** Commas and all: players hand it over as it is. */
const SRT_PUBLISH = 'srt://HOST?streamid=#!::r=live/NAME,m=publish,t=TOKEN';

export function addressOf(way: Way, port: number, name: string, token: string, publishes: boolean): string {
  const pattern = publishes && way === 'SRT' ? SRT_PUBLISH : PATHS[way];
  return pattern.replace('HOST', `127.0.0.1:${port}`).replace('NAME', name).replace('TOKEN', token);
}
