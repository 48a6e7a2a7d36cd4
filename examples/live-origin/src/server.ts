/**
 * Who is watching, and a button that stops them, over every protocol: Express, a tracker, its middleware and its adapters.
 * What they serve is made by channel.ts, the page is public/, and the rest is listening and leaving tidily.
 */
import express from 'express';
import { createTracker, fileState } from '@stream-sessions/core';
import { localOnly, sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { openMaxMind } from '@stream-sessions/geoip';
import { metricsHandler } from '@stream-sessions/metrics';
import { createChannel } from './channel.js';
import { keepHistory } from './history.js';
import { onDemand } from './on-demand.js';
import { page } from './page.js';
import { publishers } from './publishers.js';
import { serve } from './serve.js';
import { rtmp } from './transports/rtmp.js';
import { rtsp } from './transports/rtsp.js';
import { srt } from './transports/srt.js';
import { viewersKey } from './viewers-key.js';

const key = viewersKey(); // the list of viewers opens with a key, which is printed with the address of the page
const state = process.env.STATE && { state: fileState(process.env.STATE) }; // who watches outlives this process
const tracker = createTracker({ deniedRetentionMs: 60_000, policies: [publishers], ...state }); // kicked: out for a minute
if (process.env.GEOIP) void openMaxMind(process.env.GEOIP).then((geo) => tracker.updateConfig({ geo })); // country
const history = keepHistory(tracker); // with HISTORY: who watched, long after

// a folder with a live channel: demo/ts/master.m3u8, demo/dash/manifest.mpd …; with ON_DEMAND it sleeps when nobody watches
const { channel, ...source } = onDemand(createChannel(), tracker);

const app = express();
const transports = [rtmp(tracker, channel.folder), rtsp(tracker, source), srt(tracker)]; // servers beside Express, with their adapters

app.use('/live', trackPlayback(tracker, source), express.static(channel.folder)); // counts, and refuses who was kicked
app.use('/api/history', history.api); // GET /api/history/visits, /summary …
app.use('/api', sessionsApi(tracker, key.options)); // GET /api/sessions, DELETE /api/sessions/:id …
app.get('/metrics', metricsHandler(tracker, { authorize: localOnly })); // for a Prometheus on this machine
app.use(page(channel, transports));

serve(app, { channel, transports, tracker, history, key });
