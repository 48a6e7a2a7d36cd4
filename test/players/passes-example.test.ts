import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from './support/browser.js';
import { publishHls, untilOnAir } from './support/live-hls.js';
import { until } from './support/until.js';

const home = path.join(__dirname, '../../examples/passes');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
let browser: Browser | undefined;
afterAll(async () => {
  await browser?.close();
  started.forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
});

it('the example of passes is about fifty lines', () => {
  expect(readFileSync(path.join(home, 'server.mjs'), 'utf8').trimEnd().split('\n').length).toBeLessThan(50);
});

it('hls.js in Chromium plays on a pass for time, is cut on the dot, and plays on after a top-up', async () => {
  mkdirSync(path.join(folder, 'cam1'), { recursive: true });
  const playlist = path.join(folder, 'cam1/index.m3u8');
  started.push(publishHls(playlist));
  await untilOnAir(playlist);
  const env = { ...process.env, PORT: '0', MEDIA: folder, SECONDS: '5' };
  const server = spawn(process.execPath, [path.join(home, 'server.mjs')], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(server);
  let output = '';
  server.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const [, url = ''] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+\/)/.exec(output));

  browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(url);
  const left = (): Promise<string> => page.locator('output').innerText();
  const time = (): Promise<number> => page.locator('video').evaluate((video: any) => video.currentTime as number);
  const count = (text: string): number => output.split(text).length - 1;
  await until('it has nothing', async () => (await left()) === 'nothing left');
  await page.getByRole('button').click();
  await until('it plays', () => count('+ hls') === 1);
  const since = Date.now();
  await until('the clock runs', async () => /^[1-4] s left$/.test(await left()));
  await until('the picture moves', async () => (await time()) > 0);
  // A pass that is bought in time takes over without a cut.
  await page.getByRole('button').click();
  await until('it is cut', () => count(': quota_time') === 1, { timeoutMs: 15_000 });
  const seconds = (Date.now() - since) / 1000;
  expect(seconds).toBeGreaterThan(9);
  expect(seconds).toBeLessThan(11.5);
  await until('the page says so', async () => (await left()) === 'nothing left');
  expect(count('+ hls')).toBe(1);
  await page.getByRole('button').click();
  await until('it plays again', () => count('+ hls') === 2);

  server.kill('SIGINT');
  expect(await once(server, 'exit')).toEqual([0, null]);
}, 60_000);
