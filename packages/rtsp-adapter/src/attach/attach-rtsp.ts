import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';
import { RelayServer, type RtspServer } from '../server/rtsp-server.js';
import { attachSettings, type RtspOptions } from './options.js';
import { TrackerGate } from './tracker-gate.js';

/** What `attachRtsp()` gives back. */
export interface Attachment {
  /**
   * Removes every listener and leaves the server running: who plays plays on, unwatched. Their sessions close with
   * `shutdown`. Harmless twice.
   */
  detach(): Promise<void>;
}

/**
 * Shows every player and publisher of an RTSP server in the tracker's list, asks the tracker before media flows, and cuts whom it
 * ends. Attach before the server listens: who plays already is not seen.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER when this is neither of the two servers, ERR_BAD_OPTION for an option that does not
 *   exist or a value that it cannot have, and for a server with an `authorize` of its own: with a tracker, that is a policy
 */
export function attachRtsp(server: RtspServer, tracker: SessionTracker, options: RtspOptions = {}): Attachment {
  const settings = attachSettings(options);
  if (!(server instanceof RelayServer)) {
    throw new StreamSessionsError(
      'ERR_BAD_SERVER',
      'attachRtsp() needs a server of createRtspServer(), or of createServer() of the package rtsp-server 1.2.',
    );
  }
  if (server.settings.authorize !== undefined) {
    throw badOption('authorize', 'left out where there is a tracker: write a policy', server.settings.authorize);
  }
  const gate = new TrackerGate(tracker, settings);
  server.addGate(gate);
  return {
    async detach() {
      server.deleteGate(gate);
      gate.close();
    },
  };
}
