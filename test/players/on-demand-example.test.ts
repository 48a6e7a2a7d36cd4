import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { playWithFfmpeg, endPlayers } from './support/ffmpeg-player.js';
import { descendants, isAlive } from './support/processes.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/on-demand/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const children: ChildProcess[] = [];
afterAll(() => {
  endPlayers();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start() {
  const env = { ...process.env, PORT: '0', MEDIA: folder, SLEEP_AFTER: '1' };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const [, url] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+)\/live/.exec(output));
  return { child, url: url as string, output: () => output };
}

it('the example of on-demand sources is about thirty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(36);
});

it('the example encodes a camera for its viewers, not for strangers, and ends it at Ctrl-C', async () => {
  const { child, url, output } = await start();
  expect((await fetch(`${url}/live/cam-77/index.m3u8`)).status).toBe(403);
  const player = playWithFfmpeg(`${url}/live/cam-1/index.m3u8`, { live: true, seconds: 2 });
  expect(await player.ended).toMatchObject({ code: 0 });
  expect(output()).toMatch(/cam-1 waking\ncam-1 running\n/);
  expect(output()).not.toMatch(/cam-77/);
  const encoders = descendants(child.pid!);
  expect(encoders).toHaveLength(1);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(encoders.filter(isAlive)).toEqual([]);
});

it('the example leaves no ffmpeg when it is killed, and wakes the camera again afterwards', async () => {
  const killed = await start();
  expect((await fetch(`${killed.url}/live/cam-2/index.m3u8`)).status).toBe(200);
  const encoders = descendants(killed.child.pid!);
  expect(encoders).toHaveLength(1);
  killed.child.kill('SIGKILL');
  await until('its ffmpeg has gone', () => !encoders.some(isAlive));
  const next = await start();
  expect((await fetch(`${next.url}/live/cam-2/index.m3u8`)).status).toBe(200);
  next.child.kill('SIGKILL');
});
