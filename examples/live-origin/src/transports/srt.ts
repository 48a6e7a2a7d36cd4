import { lookup } from 'node:dns/promises';
import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { createSrtServer, type SrtServer } from '@stream-sessions/srt-adapter';
import { host, inUrl, localHost } from '../address.js';
import { choosePort } from '../ports.js';
import { STREAM, type Transport } from './transport.js';

/** SRT, where libsrt is installed. Port: SRT_PORT (UDP). */
export function srt(tracker: SessionTracker): Transport {
  let server: SrtServer | undefined;
  const url = (name: string, id: string): string[] => (server ? [`srt://${name}:${server.port}?streamid=${id}`] : []);
  return {
    async start() {
      const { address } = await lookup(host);
      const port = await choosePort('SRT_PORT', 9000, 'udp');
      try {
        server = createSrtServer({ tracker, host: address, port });
      } catch (error) {
        if (!(error instanceof StreamSessionsError && error.code === 'ERR_SRT_UNAVAILABLE')) throw error;
        console.log(`Without SRT: ${error.message}`);
      }
    },
    ingest: () => url(inUrl(localHost), `#!::r=live/${STREAM},m=publish`)[0],
    addresses: (name) => url(name, `live/${STREAM}`).map((each) => ({ protocol: 'srt', url: each })),
    stop: async () => server?.close(),
  };
}
