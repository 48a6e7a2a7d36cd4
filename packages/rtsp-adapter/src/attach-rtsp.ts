import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { badOption, connectionOptions, needTracker, type Attachment } from '@stream-sessions/core/spi';
import type { Authorizer } from './client/authorizer.js';
import { RequestInterceptor } from './rtsp-server-package/request-interceptor.js';
import { isRtspServerPackage, type RtspServerPackage } from './rtsp-server-package/shapes.js';
import { RelayServer, type RtspServer } from './server/rtsp-server.js';
import type { RtspOptions } from './options.js';
import { TrackerAuthorizer } from './client/tracker-authorizer.js';

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
  const target = authorizingServer(server);
  needTracker('attachRtsp(): the second argument', tracker);
  const authorizer = new TrackerAuthorizer(tracker, settings);
  target.addAuthorizer(authorizer);
  let isAttached = true;
  return {
    async detach() {
      if (!isAttached) return;
      isAttached = false;
      target.deleteAuthorizer(authorizer);
      authorizer.close();
    },
  };
}

/** A server that asks authorizers before a client plays or publishes. */
interface AuthorizingServer {
  addAuthorizer(authorizer: Authorizer): void;
  deleteAuthorizer(authorizer: Authorizer): void;
}

function authorizingServer(server: RtspServer | RtspServerPackage): AuthorizingServer {
  if (server instanceof RelayServer) {
    const { authorize } = server.settings;
    if (authorize === undefined) return server;
    throw badOption('authorize', 'left out where there is a tracker: write a policy', authorize);
  }
  if (isRtspServerPackage(server)) return RequestInterceptor.of(server);
  throw new StreamSessionsError(
    'ERR_BAD_SERVER',
    'attachRtsp() needs a server of createRtspServer(), or of createServer() of the package rtsp-server (npm install rtsp-server).',
  );
}
