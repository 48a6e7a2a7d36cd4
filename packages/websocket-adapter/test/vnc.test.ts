import { once } from 'node:events';
import dns from 'node:dns';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { WebSocket } from 'ws';
import { createVncProxy, type VncProxy, type VncProxyOptions } from '../src/index.js';
import { compileAllow } from '../src/vnc/allow.js';
import { reach } from '../src/vnc/reach.js';
import { NO_DURATION } from '../../../test/support/impossible.js';
import { pace, until } from '../../../test/support/until.js';
import { Client } from './support/client.js';

const desktops = new Set<Socket>();
let onDesktop: (socket: Socket) => void;
const desktop = createServer((socket) => {
  desktops.add(socket);
  socket.on('close', () => desktops.delete(socket)).on('error', () => undefined);
  onDesktop(socket);
});
let port: number;
let tracker: SessionTracker;
let proxy: VncProxy | undefined;
let http: ReturnType<typeof createHttpServer>;
const clients: Client[] = [];
const hello = 'RFB 003.008\n';

beforeAll(async () => {
  await once(desktop.listen(0, '127.0.0.1'), 'listening');
  ({ port } = desktop.address() as AddressInfo);
});
afterAll(() => desktop.close());
beforeEach(() => (onDesktop = (socket) => void socket.write(hello)));
afterEach(async () => {
  if (proxy === undefined) return;
  for (const { ws } of clients.splice(0)) ws.terminate();
  await proxy.close();
  http.close();
  http.closeAllConnections();
  await tracker.stop();
  proxy = undefined;
  await until('no desktop is left connected', () => desktops.size === 0);
});

async function start(options: Partial<VncProxyOptions> = {}, trackerOptions: TrackerOptions = {}): Promise<void> {
  tracker = createTracker(trackerOptions);
  proxy = createVncProxy({
    tracker,
    target: () => ({ host: '127.0.0.1', port }),
    allow: [`127.0.0.1:${port}`],
    ...options,
  });
  http = createHttpServer().on('upgrade', proxy.handleUpgrade);
  await once(http.listen(0, '127.0.0.1'), 'listening');
}
function connect(path = '/desk1', protocols = ['binary']): Client {
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${path}`;
  const client = new Client(new WebSocket(url, protocols));
  clients.push(client);
  return client;
}
const active = () => tracker.list({ status: 'active' });
const reason = () => tracker.list({ status: 'closed' })[0]?.closeReason;
const muted = () => jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);

describe('a viewer', () => {
  it('sees its desktop, and is listed with its bytes both ways', async () => {
    const heard: string[] = [];
    onDesktop = (socket) => socket.on('data', (data: Buffer) => heard.push(data.toString())).write(hello);
    await start();
    const client = connect();
    await until('the desktop says hello', () => client.received === hello.length);
    expect([client.ws.protocol, client.messages[0]?.toString()]).toEqual(['binary', hello]);
    client.ws.send(Buffer.from(hello));
    await until('it is heard', () => heard.join('') === hello);
    expect(active()).toEqual([expect.objectContaining({ stream: 'desk1', protocol: 'vnc', kind: 'viewer' })]);
    client.ws.close();
    await until('it has left', () => reason() === 'client_gone');
    expect(tracker.list()[0]).toMatchObject({ bytes: hello.length + 2 + 2, bytesReceived: hello.length + 6 + 6 });
  });

  it('is cut by a kick, with its desktop, and kept out', async () => {
    await start();
    const client = connect('/desk1?token=a');
    await until('it is there', () => client.received > 0);
    tracker.kick(active()[0]!.id);
    await client.ended;
    expect(client.closed).toEqual({ code: 4403, reason: 'kicked' });
    await until('the desktop is let go of', () => desktops.size === 0);
    const again = connect('/desk1?token=a');
    await again.ended;
    expect([again.status, desktops.size]).toEqual([403, 0]);
  });

  it('is refused before its desktop is looked up', async () => {
    const target = jest.fn();
    await start({ target }, { policies: [{ name: 'no', admit: () => ({ allow: false, reason: 'unauthorized' }) }] });
    const client = connect();
    await client.ended;
    expect([client.status, target.mock.calls.length]).toEqual([403, 0]);
  });

  it('on a page of another origin is refused: it could see, and type, like the viewer of that page', async () => {
    await start();
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/desk1`;
    const client = new Client(new WebSocket(url, { origin: 'https://evil.example' }));
    await client.ended;
    expect([client.status, desktops.size]).toEqual([403, 0]);
  });

  it('waits for a desktop that is started for it', async () => {
    let started: (() => void) | undefined;
    await start({
      target: () => new Promise((resolve) => (started = () => resolve({ host: '127.0.0.1', port }))),
    });
    const client = connect();
    await until('it is asked for', () => started !== undefined && client.isOpen);
    client.ws.send(Buffer.from('early'));
    onDesktop = (socket) => socket.once('data', (data) => socket.write(data));
    started!();
    await until('nothing was lost', () => client.messages.join('') === 'early');
  });

  it('that sends text is ended, because it does not speak RFB', async () => {
    await start();
    const client = connect();
    await until('it is there', () => client.received > 0);
    client.ws.send('text');
    await client.ended;
    expect([client.closed?.code, reason()]).toEqual([1011, 'transport_error']);
  });

  it('that the app does not count is served all the same', async () => {
    await start({ stream: () => null });
    const client = connect();
    await until('it is there', () => client.received > 0);
    expect(tracker.count()).toBe(0);
    for (const socket of desktops) socket.end();
    await client.ended;
    expect(client.closed?.code).toBe(1000);
  });

  it('is closed when nothing has passed for idleTimeoutMs, when its desktop ends, and when the proxy closes', async () => {
    await start({ idleTimeoutMs: 100 });
    const idle = connect();
    await idle.ended;
    expect([idle.closed, reason()]).toEqual([{ code: 4403, reason: 'idle' }, 'idle']);
    await proxy?.close();
    http.close();
    await start();
    const ended = connect();
    await until('it is there', () => ended.received > 0);
    for (const socket of desktops) socket.end();
    await ended.ended;
    expect([ended.closed, reason()]).toEqual([{ code: 1000, reason: 'stream_ended' }, 'stream_ended']);
    const last = connect('/desk2');
    await until('it is there', () => last.received > 0);
    await proxy?.close();
    await last.ended;
    expect(last.closed).toEqual({ code: 1001, reason: 'shutdown' });
    const late = connect('/desk2');
    await late.ended;
    expect(late.status).toBe(503);
  });
});

describe('the data that is passed on', () => {
  it('is no more than the viewer takes: the desktop has to wait', async () => {
    let written = 0;
    onDesktop = (socket) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!socket.destroyed && written < 256 * 1024 * 1024) {
          written += chunk.length;
          if (!socket.write(chunk)) break;
        }
      };
      socket.on('drain', more);
      more();
    };
    await start();
    const client = connect();
    await until('it is there', () => client.isOpen && client.received > 0);
    client.ws.pause();
    let before = -1;
    await until('the desktop waits', async () => {
      await pace(100);
      return before === written || void (before = written);
    });
    expect(written).toBeLessThan(64 * 1024 * 1024); // what two kernels hold
    client.ws.resume();
    await until('it goes on', () => written > before);
  });

  it('is no more than the desktop takes: the viewer has to wait, and a desktop that is stuck is given up', async () => {
    onDesktop = (socket) => socket.pause().write(hello);
    await start({ stallTimeoutMs: 300 });
    const client = connect();
    await until('it is there', () => client.received > 0);
    const keys = Buffer.alloc(512 * 1024);
    const timer = setInterval(() => client.ws.bufferedAmount < 4 * 1024 * 1024 && client.ws.send(keys), 1);
    await until('it has to wait', () => client.ws.bufferedAmount > 2 * 1024 * 1024);
    await until('it is given up', () => reason() === 'transport_error');
    clearInterval(timer);
    for (const socket of desktops) socket.resume(); // and so it hears of the end
  });
});

describe('a target', () => {
  it.each([
    ['another port', { host: '127.0.0.1', port: 1 }],
    ['another address', { host: '127.0.0.2', port: 0 }],
    ['an address in another spelling', { host: '::ffff:7f00:2', port: 0 }],
    ['a name of another address', { host: 'localhost.', port: 1 }],
    ['a number for an address', { host: '2130706434', port: 0 }],
    ['no port', { host: '127.0.0.1', port: Number.NaN }],
    ['no host', { host: undefined as never, port: 0 }],
  ])('that is %s than what is allowed is not connected to', async (_what, { host, port: other }) => {
    const warned = muted();
    await start({ target: () => ({ host, port: other === 0 ? port : other }) });
    const client = connect();
    await client.ended;
    expect([client.closed, desktops.size]).toEqual([{ code: 1011, reason: 'transport_error' }, 0]);
    // once per process
    if (warned.mock.calls.length > 0) expect(warned.mock.calls[0]?.[0]).toContain('not allowed');
  });

  it('is the address that was checked, whatever its name resolves to a moment later', async () => {
    muted();
    await start({ target: () => ({ host: 'desk.test', port }) });
    const answers = [
      [{ address: '192.0.2.1', family: 4 }],
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '192.0.2.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ];
    let asked = 0;
    jest
      .spyOn(dns, 'lookup')
      .mockImplementation(((_host: string, _options: object, callback: (...a: unknown[]) => void) =>
        process.nextTick(callback, null, answers[asked++])) as never);
    const first = connect();
    await first.ended;
    expect([first.closed?.code, asked]).toEqual([1011, 1]);
    const [second, third] = [connect('/desk2'), connect('/desk3')];
    await until('the allowed one is reached', () => second.received > 0 && third.received > 0);
    // each name was looked up once: what was judged is what was connected to
    expect([asked, new Set([...desktops].map(({ localAddress }) => localAddress))]).toEqual([
      3,
      new Set(['127.0.0.1']),
    ]);
  });

  it('that does not exist, that fails, or that takes too long ends its viewer', async () => {
    muted();
    const targets: (() => never)[] = [
      () => undefined as never,
      () => Promise.reject(new Error('no')) as never,
      () => {
        throw new Error('no');
      },
      () => new Promise(() => undefined) as never,
    ];
    const target = ({ url }: IncomingMessage) => targets[Number(url?.slice(-1))]!();
    await start({ target, connectTimeoutMs: 200 });
    const all = targets.map((_each, i) => connect(`/desk${i}`));
    await Promise.all(all.map(({ ended }) => ended));
    expect(all.map(({ closed }) => closed?.code)).toEqual([4404, 1011, 1011, 1011]);
  });

  it('where nobody listens ends its viewer', async () => {
    muted();
    await start({ target: () => ({ host: '127.0.0.1', port: 1 }), allow: () => true });
    const nobody = connect();
    await nobody.ended;
    expect(nobody.closed?.code).toBe(1011);
  });
});

it.each([
  [['10.0.0.0/8'], '10.1.2.3', 5900, true],
  [['10.0.0.0/8'], '10.1.2.3', 5999, true],
  [['10.0.0.0/8'], '10.1.2.3', 22, false],
  [['10.0.0.0/8'], '11.0.0.1', 5900, false],
  [['10.0.0.0/8:22'], '::ffff:10.0.0.1', 22, true],
  [['10.0.0.0/8:5900-5902'], '10.0.0.1', 5903, false],
  [['::1'], '::1', 5901, true],
  [['fd00::/8'], 'fd00:1::2', 5901, true],
  [['[fd00::/8]:80'], 'fe00::1', 80, false],
  [[], '127.0.0.1', 5900, false],
])('the option allow: %j lets %s port %i through: %s', (allow, address, at, expected) => {
  expect(compileAllow(allow)(address, at)).toBe(expected);
});

it.each<[string, () => unknown]>([
  ['is a promise', async () => false],
  [
    'throws',
    () => {
      throw new Error('of the app');
    },
  ],
  ['is no boolean', () => 'yes'],
])('a function allow whose answer %s lets nobody through, by address or by name', async (_what, allow) => {
  const allows = compileAllow(allow as never);
  const { signal } = new AbortController();
  for (const host of ['127.0.0.1', 'localhost'])
    await expect(reach({ host, port: 5900 }, allows, signal)).rejects.toThrow();
});

it('createVncProxy() requires the option allow, and rejects names in it', async () => {
  await start();
  const make = (options: object) => () => createVncProxy({ tracker, target: () => undefined, allow: [], ...options });
  for (const allow of [
    undefined,
    'localhost',
    ['localhost'],
    ['10.0.0.0/33'],
    ['1.2.3.4:9-2'],
    ['1.2.3'],
    [7],
    ['::1:x'],
  ]) {
    expect(make({ allow })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  }
  const durations = NO_DURATION.flatMap((ms) => [{ connectTimeoutMs: ms }, { idleTimeoutMs: ms }]);
  for (const options of [{ target: 1 }, { tracker: {} }, { connectTimeoutMs: 0 }, { port: 1 }, ...durations]) {
    expect(make(options)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  }
});
