import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/policies/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
let child: ChildProcess;
afterAll(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('the example of policies is less than 30 lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(30);
});

it('the example admits viewers with a link, replaces the oldest of three streams, and ends at Ctrl-C', async () => {
  for (const stream of ['cam1', 'cam2', 'cam3']) {
    mkdirSync(path.join(folder, stream), { recursive: true });
    writeFileSync(path.join(folder, stream, 'index.m3u8'), '#EXTM3U\n#EXTINF:4,\n1.ts\n');
    writeFileSync(path.join(folder, stream, '1.ts'), 'media');
  }
  const env = { ...process.env, PORT: '0', MEDIA: folder };
  child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout!.on('data', (data: Buffer) => (output += data.toString()));
  const [, url] = await until('it runs', () => /(http:\/\/127\.0\.0\.1:\d+)\/watch/.exec(output));

  expect((await fetch(`${url}/live/cam1/index.m3u8`)).status).toBe(401);
  const segments: string[] = [];
  for (const stream of ['cam1', 'cam2', 'cam3']) {
    const playlist = await fetch(`${url}/watch/${stream}`);
    expect([playlist.status, playlist.redirected]).toEqual([200, true]);
    const [segment] = /^1\.ts\?.*$/m.exec(await playlist.text()) ?? [''];
    segments.push(new URL(segment, playlist.url).href);
    expect((await fetch(segments.at(-1)!)).status).toBe(200);
  }
  const statuses = await Promise.all(segments.map(async (segment) => (await fetch(segment)).status));
  expect(statuses).toEqual([429, 200, 200]);
  // a signature is for one stream
  expect((await fetch(segments[1]!.replace('cam2', 'cam3'))).status).toBe(401);
  await until('it has reported both', () => output.includes('- cam1: replaced') && output.includes('x unauthorized'));

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
