import { EventEmitter } from 'node:events';
import { createTracker, type CloseReason, type ConnHit, type SessionTracker } from '../../src/index.js';
import { ConnectionSet, onceClosed, type TransportClient } from '../../src/spi.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';

let clock: FakeClock;
let tracker: SessionTracker;
let faults: unknown[];
let connections: ConnectionSet<Socket>;

class Socket extends EventEmitter implements TransportClient {
  readonly said: string[] = [];
  counters = () => ({ sent: () => 0 });
  pause = () => void this.said.push('pause');
  resume = () => void this.said.push('resume');
  reject = () => void this.said.push('reject');
  destroy = (reason: CloseReason) => void this.said.push(`destroy ${reason}`);
  dispose = () => void this.said.push('dispose');
}

const hit = (token = 'a'): ConnHit => ({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:5000', token });
const reasons = () => tracker.list({ status: 'closed', visits: 'all' }).map(({ closeReason }) => closeReason);

function connect(token?: string): Socket {
  const socket = new Socket();
  connections.add(socket, socket, hit(token), onceClosed(socket));
  return socket;
}

beforeEach(() => {
  clock = fakeClock();
  tracker = createTracker({ clock });
  faults = [];
  connections = new ConnectionSet(tracker, { stallTimeoutMs: 0, clock }, (error) => void faults.push(error));
});

afterEach(() => tracker.stop());

it('a connection set closes a connection whose client has gone, and forgets it', () => {
  const socket = connect();
  expect([...connections]).toEqual([[socket, expect.objectContaining({ client: socket })]]);
  socket.emit('close', true);
  expect([reasons(), [...connections], socket.said]).toEqual([['client_gone'], [], ['dispose']]);
  expect(socket.listenerCount('close')).toBe(0);
});

it('a connection set forgets a connection that the tracker has ended', () => {
  const socket = connect();
  tracker.kick(connections.get(socket)!.handle.session!.id);
  expect([connections.get(socket), socket.listenerCount('close')]).toEqual([undefined, 0]);
  expect(socket.said).toEqual(['destroy kicked', 'dispose']);
});

it('a connection set closes all sessions with shutdown, and leaves their transports alone', () => {
  const sockets = ['a', 'b', 'c'].map(connect);
  connections.close();
  expect(reasons()).toEqual(['shutdown', 'shutdown', 'shutdown']);
  expect(sockets.map(({ said }) => said)).toEqual([['dispose'], ['dispose'], ['dispose']]);
  connections.close();
  expect(sockets[0]?.said).toEqual(['dispose']);
});

it('a connection set closes the earlier connection with the same key', () => {
  const socket = connect();
  connections.add(socket, new Socket(), hit('b'), onceClosed(socket));
  expect([reasons(), tracker.count({ status: 'active' }), socket.listenerCount('close')]).toEqual([
    ['client_gone'],
    1,
    1,
  ]);
});

/** A server that does not give what its adapter needs. */
class BrokenSocket extends Socket {
  override counters = (): never => {
    throw new Error('no socket');
  };
}

it('a connection set closes a connection that cannot be watched with transport_error, and hands the error over', () => {
  const socket = new BrokenSocket();
  connections.safely(socket, () => connections.add(socket, socket, hit(), onceClosed(socket)));
  expect([reasons(), faults]).toEqual([['transport_error'], [new Error('no socket')]]);
  expect([[...connections], socket.listenerCount('close')]).toEqual([[], 0]);
});

it('a connection set closes a connection that fails later with transport_error', () => {
  const socket = connect();
  connections.safely(socket, () => {
    throw new Error('out of order');
  });
  expect([reasons(), faults]).toEqual([['transport_error'], [new Error('out of order')]]);
});

it('a connection set throws the error of a connection when nobody listens for it', () => {
  const strict = new ConnectionSet<Socket>(tracker, { stallTimeoutMs: 0, clock });
  const socket = new BrokenSocket();
  expect(() => strict.safely(socket, () => strict.add(socket, socket, hit()))).toThrow('no socket');
  expect([...strict]).toEqual([]);
});
