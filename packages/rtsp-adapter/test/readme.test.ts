import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { once } from 'node:events';
import type { RtspServer } from '../src/index.js';
import { RtspClient } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';
import { freePort } from '../../../test/support/free-port.js';

const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');

it('the example of the README runs, and reports a publisher and a viewer', async () => {
  const port = await freePort();
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readme)!;
  const output: string[] = [];
  const program = compileFunction(`${code}\nreturn { server, tracker };`, ['require', 'console', 'process']);
  const { server, tracker } = program(
    require,
    { log: (text: string) => output.push(text) },
    { env: { PORT: String(port) } },
  ) as { server: RtspServer; tracker: { stop(): Promise<void> } };
  await once(server, 'listening');
  const publisher = new RtspClient(port);
  await publisher.publish('/live/cam1');
  const player = new RtspClient(port);
  await player.play('/live/cam1');
  await until('it plays', () => player.mediaBytes > 0);
  expect(output).toEqual(['input of cam1 over rtsp', 'viewer of cam1 over rtsp']);
  await server.close();
  await tracker.stop();
});

it('the README lists the options that exist', async () => {
  const { createRtspServer, attachRtsp } = await import('../src/index.js');
  const known = (call: () => unknown): string[] => {
    try {
      call();
    } catch (error) {
      return (/Known: (.*)\.$/.exec((error as Error).message)?.[1] ?? '').split(', ');
    }
    return [];
  };
  const listed = (heading: string, text = readme): string[] => {
    const [, section = ''] = text.split(heading);
    const [, table = ''] = /\n(\| option[\s\S]*?)(?:\n\n|$)/.exec(section) ?? [];
    const cells = [...table.matchAll(/^\| (`[^|]*)\|/gm)].map(([, cell = '']) => cell);
    return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
  };
  const odd = { ['zq'.repeat(20)]: 1 } as object;
  expect(known(() => createRtspServer(odd)).sort()).toEqual(listed('## `createRtspServer').sort());
  const server = createRtspServer();
  expect(known(() => attachRtsp(server, {} as never, odd)).sort()).toEqual(listed('## `attachRtsp').sort());
  const options = readFileSync(join(__dirname, '../../../docs/options.md'), 'utf8');
  expect(listed('## createRtspServer', options).sort()).toEqual(listed('## `createRtspServer').sort());
  expect(listed('## attachRtsp', options).sort()).toEqual(listed('## `attachRtsp').sort());
});
