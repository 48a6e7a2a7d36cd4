import type { SessionTracker } from '@stream-sessions/core';
import { needTracker, type Attachment } from '@stream-sessions/core/spi';
import { guardNodeMediaServer } from './guard/guard-node-media-server.js';
import { emitterOf, isVersion2, type NodeMediaServer } from './media-server.js';
import { settingsOf, type RtmpOptions } from './options.js';
import { V2Attachment } from './v2/attach.js';
import type { NodeMediaServer2 } from './v2/shapes.js';
import { V4Attachment } from './v4/attach.js';
import type { Relays } from './v4/relay-client.js';
import { RelaysAttachment } from './v4/relays.js';

/**
 * Puts every player and publisher of node-media-server into the tracker's list (RTMP, RTMPS, HTTP-FLV, WS-FLV), asks the
 * tracker before media flows, and cuts the sessions it ends. Attach before the server runs: it does not see clients that
 * are already playing.
 *
 * ```ts
 * const nms = new NodeMediaServer(config);
 * attachRtmp(nms, tracker);
 * await runNodeMediaServer(nms);
 * ```
 *
 * @throws StreamSessionsError ERR_BAD_SERVER if this is not a node-media-server, ERR_BAD_OPTION for an unknown option or an
 *   impossible value
 */
export function attachRtmp(nms: NodeMediaServer, tracker: SessionTracker, options: RtmpOptions = {}): Attachment {
  const settings = settingsOf(options);
  needTracker('attachRtmp(): the second argument', tracker);
  const emitter = emitterOf(nms, 'attachRtmp()');
  const unguard = settings.guard ? guardNodeMediaServer(nms) : () => undefined;
  const attached = isVersion2(nms)
    ? new V2Attachment(nms as NodeMediaServer2, emitter, tracker, settings)
    : new V4Attachment(emitter, tracker, settings);
  const { relayServer } = nms as { relayServer?: Relays };
  const relays = relayServer && new RelaysAttachment(relayServer, emitter, tracker, settings);
  return {
    async detach() {
      attached.detach();
      relays?.detach();
      unguard();
    },
  };
}
