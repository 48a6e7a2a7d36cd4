'use strict';
/** What a user in plain JavaScript with `require` writes. */
const express = require('express');
const { createTracker, StreamSessionsError } = require('@stream-sessions/core');
const spi = require('@stream-sessions/core/spi');
const { fakeClock } = require('@stream-sessions/core/testing');
const { sessionsApi, trackPlayback } = require('@stream-sessions/express-middleware');
const { openMaxMind } = require('@stream-sessions/geoip');

async function main() {
  const tracker = createTracker({ geo: await openMaxMind('GeoLite2-Country.mmdb') });
  const app = express();
  app.use('/live', trackPlayback(tracker));
  app.use('/api', sessionsApi(tracker, { key: 'sixteen-letters-or-more' }));
  app.get('/live/cam1/index.m3u8', (_req, res) => res.type('application/vnd.apple.mpegurl').send('#EXTM3U\n'));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;

  const playlist = await fetch(`${origin}/live/cam1/index.m3u8`);
  await playlist.text();
  const listed = await (
    await fetch(`${origin}/api/sessions`, { headers: { authorization: 'Bearer sixteen-letters-or-more' } })
  ).json();
  const [session] = tracker.list({ stream: 'cam1' });
  const far = tracker.trackHttp({ stream: 'cam2', protocol: 'hls', ip: '8.8.8.8' });

  let refusal;
  try {
    createTracker({ idleTimeout: 1 });
  } catch (error) {
    if (error instanceof StreamSessionsError) refusal = error.code;
  }

  // `import` and `require` must see the same code: two copies would mean two kinds of StreamSessionsError
  const imported = await import('@stream-sessions/core');
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
      same: imported.createTracker === createTracker,
    }),
  );
  await tracker.stop();
  server.close();
  server.closeAllConnections();
  // the database is left open on purpose: it must not keep the process alive
}

main();
