import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { startServer2 } from './support/server-2.js';
import { startServer4 } from './support/server-4.js';
import { until } from '../../../test/support/until.js';

const ALL = ['SIGINT', 'SIGTERM', 'uncaughtException'] as const;
const handlers = () => ALL.map((event) => process.listenerCount(event));

const listensAt = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve((socket.destroy(), true)));
    socket.on('error', () => resolve(false));
  });

let occupant: Server | undefined;
afterEach(() => void occupant?.close());

async function occupied(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe.each([
  [4, startServer4, ['rtmp', 'rtmps', 'http', 'https']],
  [2, startServer2, ['rtmp', 'rtmps', 'http']],
] as const)('runNodeMediaServer with version %i', (_version, start, names) => {
  it.each(names)(
    'rejects when the port of %s is taken, closes the other servers, and leaves the process alone',
    async (name) => {
      const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
      const before = handlers();
      let ports: Record<string, number> = {};
      const started = start(undefined, {}, async (chosen) => {
        ports = { ...chosen };
        occupant = await occupied(ports[name]!);
      });
      const error: unknown = await started.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'EADDRINUSE', port: ports[name] });
      const open = await Promise.all(names.map(async (each) => [each, await listensAt(ports[each]!)] as const));
      expect(open.filter(([, isOpen]) => isOpen)).toEqual([[name, true]]);
      expect(exit).not.toHaveBeenCalled();
      expect(handlers()).toEqual(before);
    },
  );

  it('starts again when the port is free', async () => {
    const before = handlers();
    const server = await start();
    expect(await Promise.all(names.map((name) => listensAt(server[name as 'rtmp'])))).not.toContain(false);
    expect(handlers()).toEqual(before);
    await server.stop();
  });
});

it('runNodeMediaServer survives the parts of version 2 that cannot start, and says so', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const ffmpeg = process.execPath; // anything that can be run
  const tasks: object[] = [];
  const server = await startServer2(undefined, {
    relay: { ffmpeg, tasks },
    fission: { ffmpeg, tasks },
    trans: { ffmpeg, tasks },
  });
  await until('it has said so', () => warn.mock.calls.length === 3);
  for (const feature of ['relay', 'fission', 'trans']) {
    expect(warn).toHaveBeenCalledWith(expect.stringContaining(`could not start all of "${feature}"`), {
      code: 'STREAM_SESSIONS_SERVER_FAULT',
    });
  }
  await server.stop();
});
