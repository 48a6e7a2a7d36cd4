import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import type { Browser, Page } from 'playwright-core';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackStream } from '@stream-sessions/express-middleware';
import { launchChromium } from './support/browser.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

const GREEN = 'color=c=0x12a35b:s=160x120:r=10';
const children = new Set<ChildProcess>();
let tracker: SessionTracker;
let server: Server;
let url: string;
let browser: Browser;

const run = (name: string, args: string[]): ChildProcess => {
  const child = spawn(program(name), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
};
/** Sends what ffmpeg makes, for as long as somebody takes it. */
const sendFrom = (input: string[], format: string[], type: string) => (_req: unknown, res: Response) => {
  const child = run('ffmpeg', ['-v', 'error', '-nostdin', '-re', ...input, ...format, 'pipe:1']);
  res.type(type);
  child.stdout?.pipe(res);
  res.on('close', () => child.kill('SIGKILL'));
};

beforeAll(async () => {
  const launching = launchChromium();
  const video = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-c:v', 'mpeg2video', '-g', '12', '-b:v', '1M'];
  const flv = [...video.slice(0, 4), '-c:v', 'flv1', '-g', '12', '-b:v', '1M'];
  tracker = createTracker();
  const tracked = (protocol: string) => trackStream(tracker, { stream: protocol, protocol });
  const app = express()
    .get('/cam1.ts', tracked('mpegts'), sendFrom(video, ['-f', 'mpegts'], 'video/mp2t'))
    .get('/cam1.flv', tracked('http-flv'), sendFrom(flv, ['-f', 'flv'], 'video/x-flv'))
    .get(
      '/cam1.mjpeg',
      tracked('mjpeg'),
      sendFrom(['-f', 'lavfi', '-i', GREEN], ['-f', 'mpjpeg'], 'multipart/x-mixed-replace; boundary=ffmpeg'),
    )
    .get('/events', tracked('sse'), (_req, res) => {
      res.type('text/event-stream');
      const timer = setInterval(() => res.write('data: hello\n\n'), 50);
      res.on('close', () => clearInterval(timer));
    })
    .get('/', (_req, res) => void res.type('html').send('<!doctype html>'));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launching;
});
afterAll(async () => {
  endPlayers();
  for (const child of children) child.kill('SIGKILL');
  await browser?.close();
  server?.close();
  server?.closeAllConnections();
  await tracker?.stop();
});

/** The one viewer of a stream, when it has taken so many bytes. */
const playing = (protocol: string, bytes: number) =>
  until(`it plays ${protocol}`, () => {
    const [session, ...others] = tracker.list({ stream: protocol, status: 'active' });
    expect(others).toEqual([]);
    return session !== undefined && session.bytes > bytes && session;
  });
const kick = async (protocol: string, bytes: number): Promise<void> => {
  const { id, protocols } = await playing(protocol, bytes);
  expect(protocols).toEqual([protocol]);
  expect(tracker.kick(id)).toBe(true);
};

it('ffmpeg playing MPEG-TS and FLV is counted, cut, and kept out', async () => {
  const play = (where: string) => playWithFfmpeg(url + where, { userAgent: 'ffmpeg' });
  const ways = [
    ['mpegts', '/cam1.ts'],
    ['http-flv', '/cam1.flv'],
  ] as const;
  await Promise.all(
    ways.map(async ([protocol, where]) => {
      const player = play(where);
      await kick(protocol, 100_000);
      await player.ended;
      expect((await play(where).ended).stderr).toContain('403 Forbidden');
    }),
  );
});

it('curl receiving events is counted to the byte, cut, and kept out', async () => {
  const curl = run('curl', ['-sN', `${url}/events`]);
  let heard = 0;
  curl.stdout?.on('data', (data: Buffer) => (heard += data.length));
  const ended = once(curl, 'close');
  await kick('sse', 100);
  const [code] = (await ended) as [number];
  // 18: the transfer was cut
  expect(code).toBe(18);
  expect(tracker.list({ stream: 'sse' })[0]?.bytes).toBe(heard);
  const again = run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', `${url}/events`]);
  const [[status]] = await Promise.all([once(again.stdout!, 'data'), once(again, 'close')]);
  expect(String(status)).toBe('403');
});

it('an <img> in Chromium showing MJPEG is counted, cut, and kept out', async () => {
  const page: Page = await browser.newPage();
  await page.goto(url);
  await page.evaluate(`document.body.append(Object.assign(new Image(), { src: '/cam1.mjpeg' }))`);
  await until('the picture is there', () =>
    page.evaluate(`(() => {
      const [image] = document.images;
      if (!image.naturalWidth) return false;
      const canvas = new OffscreenCanvas(1, 1).getContext('2d');
      canvas.drawImage(image, 0, 0, 1, 1);
      const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
      return Math.abs(r - 0x12) + Math.abs(g - 0xa3) + Math.abs(b - 0x5b) < 24;
    })()`),
  );
  await kick('mjpeg', 5_000);
  await until('its encoder is ended', () => children.size === 0);
  const refused = page.waitForResponse((response) => response.url().includes('again'));
  await page.evaluate(`document.images[0].src = '/cam1.mjpeg?again'`);
  expect((await refused).status()).toBe(403);
});
