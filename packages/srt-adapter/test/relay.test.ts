import { createSrtServer, libsrt, type SrtServer, type SrtServerOptions } from '../src/index.js';
import { Caller, type CallOptions } from './support/caller.js';
import { NO_CLOCK, NO_DURATION, NO_SIZE } from '../../../test/support/impossible.js';
import { stays, until } from '../../../test/support/until.js';

const servers: SrtServer[] = [];
const callers: Caller[] = [];
const serve = (options: Partial<SrtServerOptions> = {}): SrtServer => {
  const server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, ...options });
  servers.push(server);
  return server;
};
const call = ({ port }: SrtServer, streamId: string, options?: CallOptions): Caller => {
  const caller = new Caller(port, streamId, options);
  callers.push(caller);
  return caller;
};
/** A caller is connected before the server has heard of it. */
const publish = async (server: SrtServer, stream = 'cam1', options?: CallOptions): Promise<Caller> => {
  const heard = new Promise((resolve) => server.on('connection', ({ kind }) => kind === 'input' && resolve(undefined)));
  const caller = await call(server, `#!::r=live/${stream},m=publish`, options).connects();
  await heard;
  return caller.publish();
};
const plays = (player: Caller, bytes = 0) => until('it plays', () => player.received > bytes);
const playsOn = (player: Caller) => plays(player, player.received + 10_000);

afterEach(async () => {
  const dropped = Promise.all(callers.splice(0).map((caller) => caller.drop()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await dropped;
});

it('the server relays a publisher to the players of its stream, however they name it', async () => {
  const server = serve();
  await publish(server);
  const players = [
    call(server, '#!::r=cam1,m=request'),
    call(server, 'live/cam1'),
    call(server, '/live/cam1?token=abc'),
  ];
  const other = call(server, 'cam2');
  for (const player of players) await plays(player, 50_000);
  expect(other.received).toBe(0);
  expect(players.map(({ packets }) => packets[0]!.length)).toEqual([1316, 1316, 1316]);
});

it('the server gives a player every packet in order, from the first one it gets', async () => {
  const server = serve();
  await publish(server);
  const player = call(server, 'cam1');
  await until('it has some', () => player.packets.length === 100);
  const numbers = player.packets.map((packet) => packet.readUInt32BE(1));
  expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
});

it('the server splits a packet that is too long for players into two', async () => {
  const server = serve();
  const publisher = await call(server, '#!::r=cam1,m=publish', { payload: 1456 }).connects();
  publisher.publish(4, 1456);
  const player = call(server, 'cam1');
  await until('it has some', () => player.packets.length >= 2);
  expect(new Set(player.packets.map(({ length }) => length))).toEqual(new Set([1316, 140]));
});

it('the server lets players wait: before the publisher comes, and when it has gone', async () => {
  const server = serve();
  const player = call(server, 'cam1');
  await player.connects();
  const first = await publish(server);
  await plays(player);
  await first.drop();
  await until('it is gone', () => server.connections().length === 1);
  const then = player.received;
  await publish(server);
  await plays(player, then);
  expect(player.ended).toBe(false);
});

it('the server replaces an old publisher by a newer one', async () => {
  const server = serve();
  const reasons: unknown[] = [];
  server.on('connection', (connection) => connection.on('close', (reason) => reasons.push(reason)));
  const first = await publish(server);
  const player = call(server, 'cam1');
  await plays(player);
  await publish(server);
  await until('the old one is cut', () => first.ended);
  await playsOn(player);
  expect(reasons).toEqual(['replaced']);
  expect(server.connections().filter(({ kind }) => kind === 'input')).toHaveLength(1);
});

it('the server hangs up on a player that sends, and on a caller that wants both or names nothing', async () => {
  const server = serve();
  const player = call(server, 'cam1');
  await player.connects();
  await until('it is seated', () => server.connections().length === 1);
  player.say(Buffer.alloc(188, 0x47));
  const others = ['#!::r=cam1,m=bidirectional', '', '#!::m=publish'].map((id) => call(server, id));
  for (const each of [player, ...others]) await until('it is cut', () => each.ended);
  expect(server.connections()).toEqual([]);
});

it('the server reports the properties of a connection and of its network', async () => {
  const server = serve({ passphrase: 'a secret of us all' });
  await publish(server, 'cam1,u=me', { passphrase: 'a secret of us all' });
  const player = call(server, 'live/cam1?token=abc', { passphrase: 'a secret of us all' });
  await plays(player, 50_000);
  const [input, viewer] = server.connections();
  expect([input!.kind, input!.stream, input!.streamId]).toEqual(['input', 'cam1', '#!::r=live/cam1,u=me,m=publish']);
  expect(viewer).toMatchObject({ kind: 'viewer', streamId: 'live/cam1?token=abc', remoteAddress: '127.0.0.1' });
  expect(viewer!.remotePort).toBeGreaterThan(0);
  expect(viewer!.peerVersion).toMatch(/^1\.[45]\.\d+$/);
  expect([input!.secure, viewer!.secure]).toEqual([true, true]);
  expect(viewer!.bytesSent).toBeGreaterThanOrEqual(player.received);
  expect(input!.bytesReceived).toBeGreaterThan(50_000);
  const statistics = viewer!.statistics()!;
  expect(statistics.packetsSent).toBeGreaterThan(30);
  expect(statistics.packetsSent).toBeLessThanOrEqual(viewer!.bytesSent / 1316);
  expect(statistics).toMatchObject({ packetsReceived: 0, packetsDropped: 0 });
  // on a busy machine the other side takes its time, too
  await until('the round trip is of this machine', () => {
    const { rttMs = 0 } = viewer!.statistics() ?? {};
    return rttMs > 0 && rttMs < 200;
  });
  expect(input!.statistics()!.packetsReceived).toBeGreaterThan(30);
  viewer!.close();
  expect(viewer!.statistics()).toBeUndefined();
});

it('the server holds a connection for as long as anybody holds it, and lets a listener refuse it', async () => {
  const server = serve();
  const releases: (() => void)[] = [];
  server.on('connection', (connection) => {
    if (connection.streamId === 'held') releases.push(connection.hold(), connection.hold());
    if (connection.streamId === 'unwanted') connection.close(1403);
  });
  await publish(server, 'held');
  const [held, unwanted] = [call(server, 'held'), call(server, 'unwanted')];
  await until('it is turned away', () => unwanted.ended);
  await held.connects();
  await until('both are reported', () => releases.length === 2);
  releases[0]!();
  releases[0]!(); // twice is once
  await stays('it has no media', () => held.received === 0, 100);
  releases[1]!();
  await plays(held);
  server.connections().forEach((connection) => connection.hold()()); // too late, and so of no consequence
  await playsOn(held);
  expect(held.packets[1]!.readUInt32BE(1)).toBe(held.packets[0]!.readUInt32BE(1) + 1);
  expect(unwanted.received).toBe(0);
});

it('the server admits no more than maxConnections', async () => {
  const server = serve({ maxConnections: 2 });
  await publish(server);
  const player = call(server, 'cam1');
  await plays(player);
  const third = call(server, 'cam1');
  await until('it is turned away', () => third.ended);
  expect(third.received).toBe(0);
  await playsOn(player);
});

it('the server keeps apart from another server of the process', async () => {
  const [one, two] = [serve(), serve()];
  await publish(one);
  const player = call(one, 'cam1');
  const elsewhere = call(two, 'cam1');
  await plays(player);
  await two.close();
  await until('it is cut', () => elsewhere.ended);
  await playsOn(player);
  expect(elsewhere.received).toBe(0);
});

it('the server listens on IPv4 and IPv6 at once by default, or on either alone', async () => {
  const both = serve({ host: undefined });
  await publish(both, 'cam1', { host: '::1' });
  const player = call(both, 'cam1', { host: '127.0.0.1' });
  await plays(player);
  expect(both.connections().map(({ remoteAddress }) => remoteAddress)).toEqual(['::1', '127.0.0.1']);
  const six = serve({ host: '::1' });
  expect(six.address()).toMatchObject({ address: '::1', family: 'IPv6' });
  await publish(six, 'cam1', { host: '::1' });
  await plays(call(six, 'cam1', { host: '::1' }));
});

it('the server frees its port when it is closed', async () => {
  const first = serve();
  const { port } = first;
  await publish(first);
  await first.close();
  const second = serve({ port });
  expect(second.port).toBe(port);
  await publish(second);
  await plays(call(second, 'cam1'));
});

it('the server frees its port even while another server of the process runs, and callers are being admitted', async () => {
  const other = serve();
  const { port } = serve();
  for (let round = 0; round < 5; round++) {
    const server = servers.pop()!;
    const callers = Array.from({ length: 10 }, (_, i) => call(server, `cam${i}`));
    await until('some are in', () => server.connections().length > round);
    await server.close();
    serve({ port });
    await Promise.all(callers.map((caller) => caller.drop()));
  }
  await publish(other);
  await plays(call(other, 'cam1'));
});

describe('a server that screens its callers', () => {
  it('refuses callers with the returned code, and admits the others', async () => {
    const seen: unknown[] = [];
    const words: Record<string, number | undefined> = { stranger: 1401, late: 1402, banned: 1403, odd: 7 };
    const screen = (caller: { streamId: string; remoteAddress: string; remotePort: number }) => {
      seen.push(caller);
      return words[caller.streamId];
    };
    const server = serve({ screen });
    await publish(server, 'cam1');
    const player = call(server, 'cam1');
    await plays(player);
    const refused = ['stranger', 'late', 'banned', 'odd'].map((id) => call(server, id));
    for (const each of refused) await until('it is turned away', () => each.ended);
    expect(refused.map(({ reason }) => reason)).toEqual([1401, 1402, 1403, 1403]);
    expect(seen[1]).toEqual({ streamId: 'cam1', remoteAddress: '127.0.0.1', remotePort: expect.any(Number) });
    expect(server.connections()).toHaveLength(2);
    await playsOn(player);
  });

  it('admits no caller if the function fails, and warns', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const server = serve({
      screen: () => {
        throw new Error('a mistake');
      },
    });
    const callers = ['a', 'b'].map((id) => call(server, id));
    for (const caller of callers) await until('it is turned away', () => caller.ended);
    expect(callers.map(({ reason }) => reason)).toEqual([1500, 1500]);
    // where it was, and not what it said
    expect(warned.mock.calls).toEqual([
      [
        expect.stringMatching(/Error at .*relay\.test/),
        expect.objectContaining({ code: 'STREAM_SESSIONS_ADAPTER_FAULT' }),
      ],
    ]);
    expect(JSON.stringify(warned.mock.calls)).not.toContain('a mistake');
  });

  it('can be closed while callers connect', async () => {
    for (let round = 0; round < 10; round++) {
      const server = serve({ screen: ({ streamId }) => (streamId === 'no' ? 1403 : undefined) });
      const knocking = Array.from({ length: 20 }, (_, i) => call(server, i % 2 ? 'no' : 'cam1'));
      await until('some are through', () => server.connections().length > round);
      await server.close();
      await Promise.all(knocking.map((caller) => caller.drop()));
    }
  });
});

describe('the server throws an error that says what is wrong when', () => {
  const code = (options: Partial<SrtServerOptions>): unknown => {
    try {
      serve(options);
    } catch (error) {
      return [(error as { code?: string }).code, (error as Error).message];
    }
    return 'nothing';
  };

  it('an option does not exist or makes no sense', () => {
    expect(code({ latency: 1 } as never)).toEqual(['ERR_BAD_OPTION', expect.stringContaining('"latencyMs"')]);
    const bad = [{ port: -1 }, { port: 1.5 }, { host: 'localhost' }, { latencyMs: -1 }, { maxConnections: 0 }];
    for (const options of [
      ...bad,
      { peerIdleTimeoutMs: 100 },
      { stallTimeoutMs: NaN },
      { maxBufferBytes: 10 },
      { port: undefined },
      { tracker: null },
      { binding: {} },
      { binding: null },
      { maxBufferBytes: 4 * 1024 ** 3 },
      ...NO_DURATION.flatMap((ms) => [{ stallTimeoutMs: ms }, { peerIdleTimeoutMs: ms }]),
      ...NO_SIZE.map((maxBufferBytes) => ({ maxBufferBytes })),
      ...NO_CLOCK.map((clock) => ({ clock })),
    ]) {
      expect(code(options as never)).toEqual(['ERR_BAD_OPTION', expect.any(String)]);
    }
  });

  it('a passphrase is too short, without showing it', () => {
    expect(code({ passphrase: 'hush' })).toEqual(['ERR_BAD_OPTION', expect.not.stringContaining('hush')]);
  });

  it('the port is in use', async () => {
    const { createSocket } = await import('node:dgram');
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
    expect(code({ port: taken.address().port })).toEqual(['ERR_SRT_LISTEN', expect.stringMatching(/UDP port \d+/)]);
    taken.close();
  });

  it('the port is taken by another server of this process, which goes on', async () => {
    const first = serve();
    expect(code({ port: first.port })).toEqual(['ERR_SRT_LISTEN', expect.any(String)]);
    await publish(first);
    await plays(call(first, 'cam1'));
  });

  it('libsrt is not installed', () => {
    const nowhere = libsrt('/nowhere/libsrt.so');
    expect(code({ binding: nowhere })).toEqual(['ERR_SRT_UNAVAILABLE', expect.stringContaining('apt-get install')]);
  });

  it('the file is another library', () => {
    expect(code({ binding: libsrt('libc.so.6') })).toEqual(['ERR_SRT_UNAVAILABLE', expect.any(String)]);
  });
});
