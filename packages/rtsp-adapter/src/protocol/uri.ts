import { streamCode } from '@stream-sessions/core';

/** What an RTSP URL names (RFC 2326 §3.2). */
export interface RtspUri {
  /** The stream, spelled as in every adapter: see `streamCode()`. */
  readonly stream: string;
  /** Without `?`. */
  readonly query: string;
  /** The URL without its track. */
  readonly base: string;
  /** What names one track of it: `trackID=1`. */
  readonly control?: string;
}

/** Players put the track behind the query, too: `rtsp://h/live/cam1?token=abc/trackID=0`. */
const CONTROL = /\/((?:trackid|streamid|stream|track)=\d{1,5})\/?$/i;
const SCHEME_AND_HOST = /^rtsp[su]?:\/\/[^/?#]*/i;

/**
 * @param controls Names of tracks that are known, whatever they look like.
 * @returns undefined when it names no stream
 */
export function parseUri(uri: string, controls: readonly string[] = []): RtspUri | undefined {
  const bare = uri.endsWith('/') ? uri.slice(0, -1) : uri;
  const known = controls.find((name) => bare.endsWith(`/${name}`));
  const control = known ?? CONTROL.exec(uri)?.[1];
  const base = control === undefined ? uri : bare.slice(0, -control.length - 1);
  const [, target = ''] = /^([^#]*)/.exec(base.replace(SCHEME_AND_HOST, '')) ?? [];
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (path !== '' && !path.startsWith('/')) return undefined;
  const stream = streamCode(decoded(path));
  if (stream === undefined) return undefined;
  // What names a track behind the query ends in a slash too: `?token=abc/`.
  const query = queryAt < 0 ? '' : target.slice(queryAt + 1).replace(/\/$/, '');
  return { stream, query, base, ...(control !== undefined && { control }) };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
