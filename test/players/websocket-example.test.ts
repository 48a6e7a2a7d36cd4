import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { until } from '../support/until.js';

const program = path.join(__dirname, '../../examples/websocket/server.mjs');
let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

it('the WebSocket example reports its clients, passes media on, and ends at Ctrl-C', async () => {
  child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  const [, origin] = await until('it runs', () => /(ws:\/\/127\.0\.0\.1:\d+)\/live/.exec(output));
  const connect = (where: string) => new WebSocket(`${origin}${where}`);

  const stranger = connect('/live/cam1');
  const [, response] = (await once(stranger, 'unexpected-response')) as [unknown, IncomingMessage];
  expect([response.statusCode, output.includes('x unauthorized')]).toEqual([401, true]);

  const viewer = connect('/live/cam1?token=secret');
  await once(viewer, 'open');
  const publisher = connect('/publish/cam1?token=secret');
  await once(publisher, 'open');
  publisher.send(Buffer.alloc(50_000));
  const [media] = (await once(viewer, 'message')) as [Buffer];
  expect(media.length).toBe(50_000);
  expect(output).toContain('+ viewer of cam1\n+ input of cam1\n');

  const closed = once(viewer, 'close');
  publisher.close();
  await until('it has reported the bytes', () => /- input of cam1: client_gone, 50\d\d\d bytes/.test(output));
  child.kill('SIGINT');
  const [code] = (await closed) as [number];
  expect([code, await once(child, 'exit')]).toEqual([1001, [0, null]]);
  expect(output).toMatch(/- viewer of cam1: shutdown, 50\d\d\d bytes/);
});
