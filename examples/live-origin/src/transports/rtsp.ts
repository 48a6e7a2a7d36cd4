import type { SessionTracker, SourceGate } from '@stream-sessions/core';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';
import { host, inUrl, localHost } from '../address.js';
import { choosePort } from '../ports.js';
import { STREAM, type Transport } from './transport.js';

/** RTSP, over TCP and UDP. Port: RTSP_PORT. `ready`: holds players until the channel is on air. */
export function rtsp(tracker: SessionTracker, { ready }: { readonly ready?: SourceGate } = {}): Transport {
  const server = createRtspServer({ tracker, ready });
  const url = (name: string): string => `rtsp://${name}:${server.address()?.port}/live/${STREAM}`;
  return {
    start: async () => void (await server.listen(await choosePort('RTSP_PORT', 8554), host)),
    ingest: () => url(inUrl(localHost)),
    addresses: (name) => [{ protocol: 'rtsp', url: url(name) }],
    stop: () => server.close(),
  };
}
