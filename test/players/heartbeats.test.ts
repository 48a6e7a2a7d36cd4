import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type Express } from 'express';
import type { Browser, Page } from 'playwright-core';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { createConnectionTracker, heartbeatApi, type ConnectionTracker } from '@stream-sessions/heartbeats';
import { launchChromium } from './support/browser.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

const LIBRARIES = { 'hls.js': require.resolve('hls.js/dist/hls.min.js'), 'dash.js': require.resolve('dashjs') };
const folder = mkdtempSync(path.join(tmpdir(), 'heartbeats-'));
const closing: (() => void)[] = [];
let browser: Browser;
let tracker: SessionTracker;
let connections: ConnectionTracker;
let site: string;

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const clip = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10', '-t', '5', '-pix_fmt', 'yuv420p'];
  const ffmpeg = (...args: string[]) => execFileSync(program('ffmpeg'), ['-loglevel', 'error', ...args]);
  const file = path.join(folder, 'clip.mp4');
  ffmpeg(...clip, '-g', '10', file);
  ffmpeg('-i', file, '-c', 'copy', '-hls_time', '1', '-hls_list_size', '0', path.join(folder, 'clip.m3u8'));
  ffmpeg('-i', file, '-c', 'copy', '-f', 'dash', '-seg_duration', '1', path.join(folder, 'clip.mpd'));
  browser = await launchChromium();
  tracker = createTracker({ deniedRetentionMs: 60_000 });
  connections = createConnectionTracker(tracker, { heartbeatWindowMs: 3_000, checkIntervalMs: 500 });
  // three servers: the page, its media, and this kit, which sees beats alone
  const media = await listen(express().use(express.static(folder)));
  // and one whose media the kit sees as well: an edge that reports to the same tracker
  const open = { setHeaders: (res: express.Response) => void res.set('Access-Control-Allow-Origin', '*') };
  const edge = await listen(
    express().use('/cam2', trackPlayback(tracker, { stream: () => 'cam2' }), express.static(folder, open)),
  );
  const beats = await listen(express().use('/beat', heartbeatApi(connections, { intervalMs: 300 })));
  const page = `<video muted autoplay loop src="${media}/clip.mp4"></video>
    <script src="${beats}/beat/heartbeat.js" data-stream="cam1"></script>
    <script>addEventListener('streamsessionended', (event) => (document.title = event.detail));</script>`;
  const app = express();
  app.get('/', (_req, res) => void res.type('html').send(page));
  app.get('/lib/:name', (req, res) => res.sendFile(LIBRARIES[req.params.name as keyof typeof LIBRARIES]));
  const playing = (player: string, start: string) => `<video muted autoplay></video>
    <script src="${beats}/beat/heartbeat.js" data-stream="cam2"></script>
    <script src="/lib/${player}"></script><script>const video = document.querySelector('video'); ${start}</script>`;
  app.get('/hls', (_req, res) => {
    const start = `const hls = new Hls({ cmcd: { sessionId: streamSessions.sid } });
      hls.loadSource('${edge}/cam2/clip.m3u8'); hls.attachMedia(video);`;
    res.type('html').send(playing('hls.js', start));
  });
  app.get('/dash', (_req, res) => {
    const start = `const player = dashjs.MediaPlayer().create();
      player.updateSettings({ streaming: { cmcd: { enabled: true, sid: streamSessions.sid } } });
      player.initialize(video, '${edge}/cam2/clip.mpd', true);`;
    res.type('html').send(playing('dash.js', start));
  });
  app.get('/elsewhere', (_req, res) => void res.type('html').send('elsewhere'));
  site = await listen(app);
});

// also behind a test that failed, which is tried again
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  tracker.kickAll({ kind: 'viewer' });
  for (const { id } of tracker.denials()) tracker.liftDenial(id);
});
afterAll(async () => {
  await browser.close();
  closing.forEach((close) => close());
  connections.stop();
  await tracker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const count = (): number => connections.getConnectionCount('cam1');
const open = async (): Promise<Page> => {
  const page = await browser.newPage();
  await page.goto(site);
  return page;
};
const beatAt = (): number => Math.max(0, ...connections.getActiveConnections('cam1').map((one) => one.lastHeartbeat));

it('players of another server are listed while their page is open', async () => {
  const page = await open();
  await until('the page is counted', () => count() === 1);

  await until('it plays', () => page.locator('video').evaluate((video: any) => video.currentTime > 0.2));
  expect(tracker.list({ stream: 'cam1', status: 'active' })).toMatchObject([
    { protocol: 'heartbeat', namedBy: 'cmcd' },
  ]);

  const began = beatAt();
  await until('it beats', () => beatAt() > began);
  const sid = await page.evaluate(() => (globalThis as any).streamSessions.sid as string);
  expect(sid).toMatch(/^\d{20,}$/);

  await page.goto(`${site}/elsewhere`);
  await until('its end was reported', () => count() === 0, { timeoutMs: 1_500 }); // before the window is over
  expect(connections.getStats().removed).toBeGreaterThan(0);

  await page.goBack();
  await until('it is back', () => count() === 1);
  await page.close();
  await until('it has gone', () => count() === 0);
});

it.each(['hls', 'dash'])(
  'a page is one row with the media that %s.js requests elsewhere, by the sid of the script',
  async (protocol) => {
    const page = await browser.newPage();
    await page.goto(`${site}/${protocol}`);
    await until('it plays', () => page.locator('video').evaluate((video: any) => video.currentTime > 0.2));
    const rows = () => tracker.list({ stream: 'cam2', status: 'active' });
    await until('beats and media are seen', () => rows()[0]?.protocols.length === 2);
    expect(rows().map(({ protocols, namedBy }) => [[...protocols].sort(), namedBy])).toEqual([
      [[protocol, 'heartbeat'].sort(), 'cmcd'],
    ]);
    expect(rows()[0]?.bytes).toBeGreaterThan(1_000);
  },
);

it('the script sends a heartbeat at once when the page becomes visible again', async () => {
  const page = await open();
  await until('the page is counted', () => count() === 1);
  const asked: string[] = [];
  page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
  // timers of a hidden page may sleep: it is the event that is looked at
  await page.evaluate(`for (let id = 1; id < 1000; id++) clearInterval(id); undefined`);
  const silent = asked.length;
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange')); undefined`);
  await until('it has beaten', () => asked.slice(silent).some((where) => where.endsWith('/heartbeat')));
  await page.close();
  await until('it has gone', () => count() === 0);
});

it('the script reconnects after the network was away', async () => {
  const page = await open();
  await until('the page is counted', () => count() === 1);
  await page.context().setOffline(true);
  await until('it is silent', () => count() === 0);
  await page.context().setOffline(false);
  await until('it is heard of again', () => count() === 1, { timeoutMs: 2_000 });
  await page.close();
  await until('it has gone', () => count() === 0);
});

it('the script tells the page why its viewer was kicked, and the viewer stays out', async () => {
  const page = await open();
  await until('the page is counted', () => count() === 1);
  tracker.kickAll({ stream: 'cam1' });
  await until('the page says why', async () => (await page.title()) === 'kicked');
  await page.reload();
  await until('it is refused', async () => (await page.title()) === 'kicked');
  expect(count()).toBe(0);
  await page.close();
});
