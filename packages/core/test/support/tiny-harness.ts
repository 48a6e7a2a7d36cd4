import { connect as dial } from 'node:net';
import type { PlayedClient, PlayRequest, TransportHarness } from '../../src/testing/index.js';
import { attachTiny, type Flaw } from './tcp-adapter.js';
import { TinyServer } from './tcp-transport.js';

/** A client of the tiny server, over a real socket. */
function tinyClient(port: number, wants: string, { stream, token = '', userAgent = '' }: PlayRequest): PlayedClient {
  const socket = dial(port, '127.0.0.1', () => socket.write(`${wants} ${stream} ${token} ${userAgent}\n`));
  let greeting = '';
  let media = 0;
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    const head = greeting.includes('\n') ? -1 : data.indexOf(10) + 1;
    greeting += head > 0 ? data.subarray(0, head).toString() : '';
    if (greeting.startsWith('OK')) media += data.length - Math.max(head, 0);
  });
  const sending = wants === 'PUBLISH' ? setInterval(() => socket.write('x'.repeat(100)), 10) : undefined;
  const ended = new Promise<void>((resolve) => socket.on('close', () => (clearInterval(sending), resolve())));
  return {
    received: () => media,
    ended,
    drop: () => void socket.resetAndDestroy(),
    refusal: () => (greeting.startsWith('NO') ? greeting : undefined),
  };
}

/** The tiny server with its adapter, as the contract wants it. */
export const tinyHarness = (flaw?: Flaw): TransportHarness => ({
  name: 'a tiny TCP transport',
  protocol: 'tiny',
  start: async (tracker) => {
    const server = new TinyServer();
    const { detach } = attachTiny(server, tracker, flaw);
    const port = await server.listen();
    return {
      play: (request) => tinyClient(port, 'PLAY', request),
      publish: (request) => tinyClient(port, 'PUBLISH', request),
      detach,
      stop: () => server.close(),
    };
  },
});
