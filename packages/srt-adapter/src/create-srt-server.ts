import { SrtRelay } from './server/relay.js';
import type { SrtServer } from './server/srt-server.js';
import { settingsOf, type SrtServerOptions } from './server/options.js';
import { attachSrt } from './attach-srt.js';

/**
 * Listens for SRT callers, and relays publishers (`m=publish`) to players (`m=request`, or a bare name) by their stream ids:
 * `#!::r=live/cam1,m=publish,t=token` or `live/cam1?token=…`. A tracker lists all of them, and is asked before media flows.
 *
 * ```ts
 * const server = createSrtServer({ tracker, port: 9000 });
 * ```
 *
 * @throws StreamSessionsError ERR_SRT_UNAVAILABLE without libsrt, ERR_SRT_LISTEN for a port that is in use, ERR_BAD_OPTION
 */
export function createSrtServer(options: SrtServerOptions): SrtServer {
  const settings = settingsOf(options);
  const relay = new SrtRelay(settings);
  const { tracker, stallTimeoutMs, clock } = settings;
  if (tracker !== undefined) attachSrt(relay, tracker, { stallTimeoutMs, ...(clock && { clock }) });
  return relay;
}
