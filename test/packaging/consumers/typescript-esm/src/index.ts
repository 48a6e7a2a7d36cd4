/** What a user in TypeScript with ES modules writes. It has to compile under strict options, and to run. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import {
  createTracker,
  StreamSessionsError,
  type GeoResolver,
  type PlaySession,
  type SessionTracker,
} from '@stream-sessions/core';
import type { Policy } from '@stream-sessions/core';
import * as spi from '@stream-sessions/core/spi';
import { fakeClock } from '@stream-sessions/core/testing';
import { localOnly, sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { openMaxMind } from '@stream-sessions/geoip';

const vip: Policy = { name: 'vip', admit: (candidate) => ({ allow: true, tags: { stream: candidate.stream } }) };
const geo: GeoResolver & { close(): void } = await openMaxMind('GeoLite2-Country.mmdb', { reloadMs: 0 });
const fingerprintKey = process.env['FINGERPRINT_KEY']; // undefined: as if it were not given
const tracker: SessionTracker = createTracker({ geo, policies: [vip], fingerprintKey });

const app = express();
app.use('/live', trackPlayback(tracker));
app.use('/api', sessionsApi(tracker, { authorize: localOnly }));
app.get('/live/cam1/index.m3u8', (_req, res) => {
  res.type('application/vnd.apple.mpegurl').send('#EXTM3U\n');
});
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const playlist = await fetch(`${origin}/live/cam1/index.m3u8`);
await playlist.text();
const listed = (await (await fetch(`${origin}/api/sessions`)).json()) as { total_count: number };
const [session]: PlaySession[] = tracker.list({ stream: 'cam1' });
const far: PlaySession | null = tracker.trackHttp({ stream: 'cam2', protocol: 'hls', ip: '8.8.8.8' });

let refusal: unknown;
try {
  createTracker({ idleTimeout: 1 } as object);
} catch (error) {
  if (error instanceof StreamSessionsError) refusal = error.code;
}

console.log(
  JSON.stringify({
    status: playlist.status,
    listed: listed.total_count,
    stream: session?.stream,
    bytes: session?.bytes,
    country: far?.country,
    refusal,
    clock: fakeClock(42).now(),
    spi: Object.keys(spi).length > 0,
  }),
);
await tracker.stop();
geo.close();
server.close();
server.closeAllConnections();
