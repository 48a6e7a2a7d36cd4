import type { Credentials } from '@stream-sessions/core';

/** A client that asks to play or publish. */
export interface RtspClient {
  readonly action: 'play' | 'publish';
  /** The stream code: `rtsp://host/live/cam1` is `cam1`. */
  readonly stream: string;
  /** Without the track. It contains the token, so keep it out of logs. */
  readonly url: string;
  /** The raw query of the URL, without `?`. */
  readonly query: string;
  /** `token` in the query; empty if there is none. */
  readonly token: string;
  readonly userAgent: string | undefined;
  /** Without port. */
  readonly remoteAddress: string;
  /** True over TLS (RTSPS). */
  readonly secure: boolean;
  /** What the client sent in response to a 401. */
  readonly credentials: Credentials | undefined;
}
