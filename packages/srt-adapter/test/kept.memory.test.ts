import { EventEmitter } from 'node:events';
import { createTracker } from '@stream-sessions/core';
import { heldBytes } from '@stream-sessions/core/testing';
import { attachSrt, type SrtConnection } from '../src/index.js';

class Connection extends EventEmitter implements SrtConnection {
  readonly remoteAddress = '192.0.2.1';
  readonly peerVersion = '1.5.1';
  readonly bytesSent = 0;
  readonly bytesReceived = 0;
  constructor(readonly streamId: string) {
    super();
  }
  hold = () => () => undefined;
  close(): void {
    this.emit('close');
  }
}

const unique = (i: number, length: number): string => `${i}${'~'.repeat(length)}`.slice(0, length);

it.each([
  ['as long as SRT lets them be', 512],
  ['longer, from a server of another library', 20_000],
])('a caller costs no more memory than its bounds, whatever it sends: ids %s', async (_which, length) => {
  const [server, tracker] = [new EventEmitter(), createTracker()];
  attachSrt(server, tracker);
  const count = 400;
  const idOf = (i: number): string[] => [
    `cam${unique(i, 200)}?token=${unique(i, length - 220)}`,
    `#!::r=cam1,m=publish,u=${unique(i, 50)},pass=${unique(i, length - 100)}`,
    `#!::r=cam1,x=${unique(i, length - 20)}`,
    `live%2Fcam${unique(i, length / 2)}`, // refused when it is too long
  ];
  const connect = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      for (const id of idOf(i)) {
        // a text of its own, as from the network
        const connection = new Connection(Buffer.from(id).toString());
        server.emit('connection', connection);
        connection.close();
      }
    }
  };
  connect(0, 20);
  const before = heldBytes();
  connect(20, count);
  const { openedTotal, deniedTotal } = tracker.stats();
  expect(openedTotal + deniedTotal).toBeGreaterThan(2 * count);
  expect((heldBytes() - before) / (4 * (count - 20))).toBeLessThan(6_000);
  await tracker.stop();
});
