import type { SessionTracker } from '@stream-sessions/core';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';
import { host, inUrl, localHost } from '../address.js';
import { choosePort } from '../ports.js';
import { STREAM, type Transport } from './transport.js';

/** RTSP, over TCP and UDP. Port: RTSP_PORT. */
export function rtsp(tracker: SessionTracker): Transport {
  const server = createRtspServer({ tracker });
  const url = (name: string): string => `rtsp://${name}:${server.address()?.port}/live/${STREAM}`;
  return {
    start: async () => void (await server.listen(await choosePort('RTSP_PORT', 8554), host)),
    ingest: () => url(inUrl(localHost)),
    addresses: (name) => [{ protocol: 'rtsp', url: url(name) }],
    stop: () => server.close(),
  };
}
