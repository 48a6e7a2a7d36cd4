import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '../support/free-port.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { encodeLoop } from './support/live-flv.js';
import { program as installed } from './support/programs.js';
import { until } from './support/until.js';

const program = path.join(__dirname, '../../examples/rtsp/server.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const started: ChildProcess[] = [];
afterAll(() => {
  started.forEach((child) => child.kill('SIGKILL'));
  endPlayers();
  rmSync(folder, { recursive: true, force: true });
});

it('the RTSP example is less than 30 lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(30);
});

it('the RTSP example admits a camera by password and viewers by token, reports them, and ends at Ctrl-C', async () => {
  const [port] = (await freePorts(1)) as [number];
  const env = { ...process.env, RTSP_PORT: String(port) };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  await until('it runs', () => output.includes(`rtsp://127.0.0.1:${port}/live/cam1`));

  const loop = encodeLoop(folder);
  const publish = (password: string) => {
    const input = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', loop, '-c', 'copy', '-f', 'rtsp'];
    const to = ['-rtsp_transport', 'tcp', `rtsp://camera:${password}@127.0.0.1:${port}/live/cam1`];
    const publisher = spawn(installed('ffmpeg'), [...input, ...to], { stdio: 'ignore' });
    started.push(publisher);
    return once(publisher, 'exit');
  };
  await publish('wrong');
  expect(output).not.toContain('+');
  void publish('secret');
  await until('it is on air', () => output.includes('+ input of cam1 over rtsp'));
  const refused = await playWithFfmpeg(`rtsp://127.0.0.1:${port}/live/cam1`).ended;
  expect(refused.stderr).toContain('unauthorized');
  const player = playWithFfmpeg(`rtsp://127.0.0.1:${port}/live/cam1?token=secret`, { seconds: 1 });
  await until('it plays', () => output.includes('+ viewer of cam1 over rtsp'));
  await player.ended;
  await until('it has reported the bytes', () => /- viewer of cam1: client_gone, [1-9]\d+ bytes/.test(output));
  expect(output).toContain('x unauthorized');

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
