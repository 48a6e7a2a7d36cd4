import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { badOption, connectionOptions, needTracker, type Attachment } from '@stream-sessions/core/spi';
import type { Gate } from '../door/gate.js';
import { Reception } from '../rtsp-server-package/reception.js';
import { isRtspServerPackage, type RtspServerPackage } from '../rtsp-server-package/shapes.js';
import { RelayServer, type RtspServer } from '../server/rtsp-server.js';
import type { RtspOptions } from './options.js';
import { TrackerGate } from './tracker-gate.js';

/**
 * Puts every player and publisher of an RTSP server into the tracker's list, asks the tracker before media flows, and cuts the
 * sessions it ends. Attach before the server listens: it does not see clients that are already playing.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER if this is neither of the two servers, ERR_BAD_OPTION for an unknown option or an
 *   impossible value, and for a server with its own `authorize`: with a tracker, write a policy instead
 */
export function attachRtsp(
  server: RtspServer | RtspServerPackage,
  tracker: SessionTracker,
  options: RtspOptions = {},
): Attachment {
  const settings = connectionOptions('attachRtsp()', options);
  const entrance = entranceOf(server);
  needTracker('attachRtsp(): the second argument', tracker);
  const gate = new TrackerGate(tracker, settings);
  entrance.addGate(gate);
  let isAttached = true;
  return {
    async detach() {
      if (!isAttached) return;
      isAttached = false;
      entrance.deleteGate(gate);
      gate.close();
    },
  };
}

/** Whatever asks gates before it lets somebody in. */
interface Entrance {
  addGate(gate: Gate): void;
  deleteGate(gate: Gate): void;
}

function entranceOf(server: RtspServer | RtspServerPackage): Entrance {
  if (server instanceof RelayServer) {
    const { authorize } = server.settings;
    if (authorize === undefined) return server;
    throw badOption('authorize', 'left out where there is a tracker: write a policy', authorize);
  }
  if (isRtspServerPackage(server)) return Reception.of(server);
  throw new StreamSessionsError(
    'ERR_BAD_SERVER',
    'attachRtsp() needs a server of createRtspServer(), or of createServer() of the package rtsp-server (npm install rtsp-server).',
  );
}
