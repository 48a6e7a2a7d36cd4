import path from 'node:path';
import express, { type Router } from 'express';
import { inUrl } from './address.js';
import type { Channel } from './channel.js';
import { STREAM, type Transport } from './transports/transport.js';

const PUBLIC = path.join(__dirname, '../public');
/** The players come from npm, not from a CDN: the page works without a network. */
const PLAYERS = {
  '/lib/hls.js': require.resolve('hls.js/dist/hls.min.js'),
  '/lib/dash.js': require.resolve('dashjs'), // the UMD build
};

const CHANNEL = {
  ffmpeg: {
    hls: [
      { name: 'MPEG-TS', url: '/live/demo/ts/master.m3u8' },
      { name: 'fMP4', url: '/live/demo/fmp4/master.m3u8' },
    ],
    dash: '/live/demo/dash/manifest.mpd',
  },
  sample: {
    hls: [{ name: 'fMP4', url: '/live/demo/sample/master.m3u8' }],
    dash: '/live/demo/sample/manifest.mpd',
  },
};

/** The page with the two players, the addresses for others, and the list of viewers. */
export function page(channel: Channel, transports: readonly Transport[]): Router {
  const router = express.Router();
  // the address has the key in it until the page takes it out
  router.use((_req, res, next) => {
    res.set('Referrer-Policy', 'no-referrer');
    next();
  });
  router.get('/channel.json', async (req, res) => {
    const source = await channel.onAir;
    // the sample is files alone
    const others = source === 'ffmpeg' ? transports.flatMap((each) => each.addresses(inUrl(req.hostname))) : [];
    res.set('Cache-Control', 'no-store').json({ stream: STREAM, source, ...CHANNEL[source], others });
  });
  for (const [url, file] of Object.entries(PLAYERS)) router.get(url, (_req, res) => res.sendFile(file));
  router.use(express.static(PUBLIC));
  return router;
}
