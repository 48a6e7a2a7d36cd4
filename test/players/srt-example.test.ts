import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeLoop } from './support/live-flv.js';
import { endSrtPlayers, ffmpegOverSrt, liveTransmit, publishOverSrt } from './support/srt-players.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/srt/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
afterAll(() => {
  started.forEach((child) => child.kill('SIGKILL'));
  endSrtPlayers();
  rmSync(folder, { recursive: true, force: true });
});

it('the SRT example is less than 30 lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(30);
});

it('the SRT example reports publishers, viewers and refused clients, and ends at Ctrl-C', async () => {
  const passphrase = 'a-secret-of-us-all';
  const env = { ...process.env, SRT_PORT: '0', SRT_PASSPHRASE: passphrase };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const [, port] = await until('it runs', () => /srt:\/\/127\.0\.0\.1:(\d+)\?/.exec(output));

  started.push(publishOverSrt(encodeLoop(folder), Number(port), 'cam1', passphrase));
  await until('it is on air', () => output.includes('+ input of cam1, SRT/'));
  const refused = liveTransmit(Number(port), 'wrong', passphrase);
  await until('it is refused', refused.isOver);
  expect([refused.media(), output.includes('x unauthorized')]).toEqual([0, true]);
  const player = ffmpegOverSrt(Number(port), 'secret', passphrase);
  await until('it plays', () => player.media() > 0);
  expect(output).toContain('+ viewer of cam1, SRT/');
  player.kill('SIGTERM');
  await until('it has reported the bytes', () => /- viewer of cam1: client_gone, [1-9]\d+ bytes/.test(output));

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
