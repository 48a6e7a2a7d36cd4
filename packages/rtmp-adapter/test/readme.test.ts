import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import type NodeMediaServer from 'node-media-server';
import logger from 'node-media-server/src/core/logger.js';
import { freePorts } from '../../../test/support/free-port.js';
import { RtmpClient } from './support/rtmp-client.js';
import { until } from '../../../test/support/until.js';

it('the example of the README runs, and reports a publisher and a viewer', async () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
  const [rtmp, http] = (await freePorts(2)) as [number, number];
  const store = mkdtempSync(join(tmpdir(), 'rtmp-adapter-')); // by default it writes where it runs
  const [, example = ''] = /```js\n([\s\S]*?)```/.exec(readme)!;
  const ports = example.replace('1935', String(rtmp)).replace('8000', String(http));
  const code = ports.replace('new NodeMediaServer({', `new NodeMediaServer({ store: { path: '${store}' },`);
  const output: string[] = [];
  logger.log = () => undefined;
  const print = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const program = compileFunction(`${code}\nreturn { nms, tracker };`, ['require', 'console']);
  const { nms, tracker } = program(require, { log: (text: string) => output.push(text) }) as {
    nms: NodeMediaServer;
    tracker: { stop(): Promise<void> };
  };
  await until('it listens', () => nms.rtmpServer.tcpServer.listening);
  const publisher = await new RtmpClient(rtmp).publish('cam1');
  await until('one is reported', () => output.length === 1);
  const player = await new RtmpClient(rtmp).play('cam1');
  await until('it plays', () => player.mediaBytes > 0);
  expect(output).toEqual(['input of cam1 over rtmp', 'viewer of cam1 over rtmp']);
  publisher.drop();
  player.drop();
  await tracker.stop();
  await nms.stop();
  print.mockRestore();
  rmSync(store, { recursive: true });
});
