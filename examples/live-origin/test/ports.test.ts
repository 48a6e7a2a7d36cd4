import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type * as Ports from '../src/ports.js';

/** As a process that has just started has it: it remembers what it has chosen. */
function start(): typeof Ports {
  let ports: typeof Ports | undefined;
  jest.isolateModules(() => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    ports = require('../src/ports') as typeof Ports;
  });
  return ports!;
}

const open: { close(): unknown }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.close()));

async function taken(port = 0): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const withEnv = (env: Record<string, string>) =>
  jest.replaceProperty(process, 'env', { ...process.env, HOST: '', ...env });

it('the usual port is taken silently if it is free', async () => {
  const said = jest.spyOn(console, 'log').mockReturnValue();
  const usual = await start().freePort();
  withEnv({ X_PORT: '' });
  expect(await start().choosePort('X_PORT', usual)).toBe(usual);
  expect(said).not.toHaveBeenCalled();
});

it('another port is taken, with a message, if the usual one is in use, and none is taken twice', async () => {
  const said = jest.spyOn(console, 'log').mockReturnValue();
  const usual = await taken();
  const { choosePort } = start();
  withEnv({});
  const first = await choosePort('A_PORT', usual);
  const second = await choosePort('B_PORT', usual);
  expect(first).toBeGreaterThan(usual);
  expect(second).toBeGreaterThan(first);
  expect(said.mock.calls).toEqual([
    [`Port ${usual} is in use: A_PORT is ${first} this time.`],
    [`Port ${usual} is in use: B_PORT is ${second} this time.`],
  ]);
  await taken(first); // it can be listened on
});

it('another UDP port is taken as well if the usual one is in use', async () => {
  jest.spyOn(console, 'log').mockReturnValue();
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(socket);
  await once(socket, 'listening');
  const { port } = socket.address();
  withEnv({});
  expect(await start().choosePort('X_PORT', port, 'udp')).toBeGreaterThan(port);
  expect(await start().choosePort('X_PORT', port, 'tcp')).toBe(port);
});

it('no other port is taken instead of one that was asked for', async () => {
  const port = await taken();
  const { choosePort, reasonNotToListen } = start();
  withEnv({ X_PORT: ` ${port} ` });
  expect(await choosePort('X_PORT', 8080)).toBe(port);
  expect(reasonNotToListen(Object.assign(new Error('no'), { code: 'EADDRINUSE', port }))).toBe(
    `Port ${port} is in use. Choose another one: X_PORT=${port + 1} npm start`,
  );
});

it.each(['0', '1', '65535'])('the port may be %s', async (asked) => {
  withEnv({ X_PORT: asked });
  expect(await start().choosePort('X_PORT', 8080)).toBe(Number(asked));
});

it.each(['abc', '80a', '-1', '65536', '1e3', '0x50', '80.5', '123456', 'NaN', '８０'])(
  'X_PORT=%s is refused in one sentence',
  async (asked) => {
    withEnv({ X_PORT: asked });
    await expect(start().choosePort('X_PORT', 8080)).rejects.toThrow(
      `X_PORT=${asked} is not a port. Try: X_PORT=8080 npm start`,
    );
  },
);
