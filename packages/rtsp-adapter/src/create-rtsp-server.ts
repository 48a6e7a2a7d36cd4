import type { SessionTracker } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { attachRtsp } from './attach-rtsp.js';
import { RELAY_OPTIONS, relaySettings, type RelayOptions } from './server/options.js';
import { RelayServer, type RtspServer } from './server/rtsp-server.js';

/** Options of `createRtspServer()`. */
export interface RtspServerOptions extends RelayOptions {
  /** Lists players and publishers, and decides who may play and publish. Default: none. */
  tracker?: SessionTracker | undefined;
}

/**
 * An RTSP server: it relays publishers to all players of the same stream, over TCP and UDP, over RTSP and RTSPS.
 *
 * ```ts
 * const server = createRtspServer({ tracker });
 * await server.listen(8554);
 * ```
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function createRtspServer(options: RtspServerOptions = {}): RtspServer {
  checkOptions('createRtspServer()', options, ['tracker', ...RELAY_OPTIONS]);
  const { tracker, ...relay } = options;
  const settings = relaySettings('createRtspServer()', relay);
  if (tracker !== undefined && settings.authorize !== undefined) {
    throw badOption('authorize', 'left out where there is a tracker: write a policy', settings.authorize);
  }
  const server = new RelayServer(settings);
  if (tracker === undefined) return server;
  const { stallTimeoutMs, clock } = settings;
  attachRtsp(server, tracker, { stallTimeoutMs, ...(clock && { clock }) });
  return server;
}
