/**
 * Who is watching, and a button that stops them: Express, a tracker and its middleware. What it serves is made by
 * channel.ts, the page is public/, and the rest is listening and leaving tidily.
 */
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { openMaxMind } from '@stream-sessions/geoip';
import { startChannel } from './channel.js';
import { page } from './page.js';
import { serve } from './serve.js';
import { viewersKey } from './viewers-key.js';

const channel = startChannel(); // a folder with a live channel: demo/ts/master.m3u8, demo/dash/manifest.mpd …
const key = viewersKey(); // a secret for the list of viewers when the network can reach it; on loopback nothing is needed

const tracker = createTracker({ deniedRetentionMs: 60_000 }); // who is kicked stays out for a minute
if (process.env.GEOIP) void openMaxMind(process.env.GEOIP).then((geo) => tracker.updateConfig({ geo })); // country

const app = express();

app.use('/live', trackPlayback(tracker), express.static(channel.folder)); // counts, and refuses who was kicked
app.use('/api', key.fromQuery, sessionsApi(tracker, key.options)); // GET /api/sessions, DELETE /api/sessions/:id …
app.use(page(channel));

serve(app, { channel, tracker, key });
