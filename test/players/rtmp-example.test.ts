import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '../support/free-port.js';
import { encodeLoop, publishLoop } from './support/live-flv.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/rtmp/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
afterAll(() => {
  started.forEach((child) => child.kill('SIGKILL'));
  endPlayers();
  rmSync(folder, { recursive: true, force: true });
});

it('the RTMP example is less than 30 lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(30);
});

it('the RTMP example reports publishers, viewers and refused clients, and ends at Ctrl-C', async () => {
  const [rtmp, http] = await freePorts(2);
  const env = { ...process.env, RTMP_PORT: String(rtmp), HTTP_PORT: String(http) };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  await until('it runs', () => output.includes(`rtmp://127.0.0.1:${rtmp}/live/cam1 and`));

  started.push(publishLoop(encodeLoop(folder), `rtmp://127.0.0.1:${rtmp}/live/cam1`));
  await until('it is on air', () => output.includes('+ input of cam1 over rtmp'));
  const refused = await playWithFfmpeg(`rtmp://127.0.0.1:${rtmp}/live/cam1`).ended;
  expect(refused.stderr).toContain('unauthorized');
  const player = playWithFfmpeg(`http://127.0.0.1:${http}/live/cam1.flv?token=secret`, { seconds: 1 });
  await until('it plays', () => output.includes('+ viewer of cam1 over http-flv'));
  await player.ended;
  await until('it has reported the bytes', () => /- viewer of cam1: client_gone, [1-9]\d+ bytes/.test(output));
  expect(output).toContain('x unauthorized');

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
