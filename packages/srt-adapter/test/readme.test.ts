import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { createTracker } from '@stream-sessions/core';
import { attachSrt, type SrtServer, type SrtSource } from '../src/index.js';
import { Caller } from './support/caller.js';
import { until } from '../../../test/support/until.js';

const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const [first, naming, screening, wrapper] = examples as [string, string, string, string];
const env = { PORT: '0' };
/** As Jest maps it: the packages from their sources. */
const requireHere: NodeJS.Require = require;

function run<T>(code: string, names: string, given: Record<string, unknown>): T {
  const program = compileFunction(`${code}\nreturn { ${names} };`, ['require', ...Object.keys(given)]);
  return program(given.require ?? requireHere, ...Object.values(given)) as T;
}

it('the first example of the README runs, and reports a publisher and a viewer', async () => {
  const output: string[] = [];
  const handlers: (() => Promise<void>)[] = [];
  const process = { env, once: (_signal: string, handler: () => Promise<void>) => handlers.push(handler) };
  const { server } = run<{ server: SrtServer }>(first, 'server, tracker', {
    console: { log: (text: string) => output.push(text) },
    process,
  });
  const publisher = await new Caller(server.port, '#!::r=live/cam1,m=publish').connects();
  publisher.publish();
  await until('both are reported', () => output.length === 2);
  const player = new Caller(server.port, 'live/cam1?token=abc');
  await until('it plays', () => player.received > 0);
  await handlers[0]!();
  await Promise.all([publisher.drop(), player.drop()]);
  expect(output).toEqual([
    `srt://127.0.0.1:${server.port}?streamid=live/cam1`,
    expect.stringMatching(/^input of cam1, SRT\/1\.\d+\.\d+$/),
    expect.stringMatching(/^viewer of cam1, SRT\/1\.\d+\.\d+$/),
  ]);
});

it("the example that reads Blackmagic's and SRS's stream ids runs", async () => {
  const { server } = run<{ server: SrtServer }>(naming, 'server', { process: { env } });
  const ids = ['#!::bmd_uuid=ab-12,bmd_name=ATEM,u=studio', '#!::h=live/livestream,m=publish', 'live/cam1'];
  const callers = await Promise.all(ids.map((id) => new Caller(server.port, id).connects()));
  await until('all are there', () => server.connections().length === ids.length);
  expect(server.connections().map(({ kind, stream }) => [kind, stream])).toEqual(
    expect.arrayContaining([
      ['input', 'studio'],
      ['input', 'livestream'],
      ['viewer', 'cam1'],
    ]),
  );
  await Promise.all([...callers.map((caller) => caller.drop()), server.close()]);
});

it('the example that screens callers runs', async () => {
  const { server } = run<{ server: SrtServer }>(screening, 'server', { process: { env } });
  const refused = new Caller(server.port, 'other/cam1');
  await until('it is turned away', () => refused.ended);
  expect(refused.reason).toBe(1401);
  const player = await new Caller(server.port, 'live/cam1').connects();
  await Promise.all([refused.drop(), player.drop(), server.close()]);
});

it('the wrapper of another library runs', async () => {
  const library = { SRT: { ERROR: -1, SRTO_STREAMID: 46 } };
  const fake = (name: string): unknown => (name === '@eyevinn/srt' ? library : requireHere(name));
  const exports = {} as { wrap(server: object): SrtSource };
  run(wrapper, '', { require: fake, exports });
  const connection = Object.assign(new EventEmitter(), {
    fd: 7,
    written: 0,
    write: async (chunk: Buffer) => (connection.written += chunk.length),
    read: async () => Buffer.alloc(1316),
    close: jest.fn(),
  });
  const server = Object.assign(new EventEmitter(), { _asyncSrt: { getSockOpt: async () => 'live/cam1?token=abc' } });
  const source = exports.wrap(server);
  const tracker = createTracker();
  attachSrt(source, tracker);
  type Wrapped = { write(chunk: Buffer): Promise<void> };
  let wrapped: Wrapped | undefined;
  source.on('connection', (one) => (wrapped = one as unknown as Wrapped));
  server.emit('connection', connection);
  await until('it is listed', () => tracker.count() === 1);
  await wrapped!.write(Buffer.alloc(1316));
  expect(tracker.kick(tracker.list()[0]!.id)).toBe(true);
  expect(connection.close).toHaveBeenCalledTimes(1);
  expect(tracker.list()[0]).toMatchObject({ stream: 'cam1', protocol: 'srt', bytes: 1316, closeReason: 'kicked' });
  await tracker.stop();
});
