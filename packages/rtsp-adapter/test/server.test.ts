import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { attachRtsp, createRtspServer, type RtspServer, type RtspServerOptions } from '../src/index.js';
import { certificate } from './support/certificate.js';
import { packet, RtspClient, SDP, type ClientOptions } from './support/rtsp-client.js';
import { NO_CLOCK, NO_DURATION, NO_SIZE } from '../../../test/support/impossible.js';
import { pace, until } from '../../../test/support/until.js';

let server: RtspServer;
let port: number;
const clients: RtspClient[] = [];
const trackers: SessionTracker[] = [];

async function serve(options: RtspServerOptions = {}): Promise<void> {
  server = createRtspServer(options);
  ({ port } = await server.listen(0, '127.0.0.1'));
}

function client(options?: ClientOptions): RtspClient {
  const made = new RtspClient(port, options);
  clients.push(made);
  return made;
}

function track(options: Parameters<typeof createTracker>[0] = {}): SessionTracker {
  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const tracker = createTracker({ logger, ...options });
  trackers.push(tracker);
  return tracker;
}

const active = (tracker: SessionTracker, kind: 'viewer' | 'input') => tracker.list({ status: 'active', kind });
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

async function onAir(path = '/live/cam1', options?: ClientOptions): Promise<RtspClient> {
  const publisher = client(options);
  expect((await publisher.publish(path)).status).toBe(200);
  return publisher;
}

async function watching(path = '/live/cam1', options?: ClientOptions): Promise<RtspClient> {
  const player = client(options);
  expect((await player.play(path)).status).toBe(200);
  await until('media arrives', () => player.mediaBytes > 0);
  return player;
}

afterEach(async () => {
  clients.splice(0).forEach((each) => each.drop());
  await server.close();
  for (const tracker of trackers.splice(0)) await tracker.stop();
});

describe('without a tracker', () => {
  it('relays what is published, packet by packet, on the right track', async () => {
    await serve();
    const publisher = client();
    await publisher.publish('/live/cam1');
    publisher.fallSilent();
    const player = client();
    await player.play('/live/cam1');
    const other = client();
    await other.play('/cam1'); // the same stream by its other name
    player.packets.length = 0; // the sender report a joiner gets
    publisher.send(0, packet(7, 1400));
    publisher.send(2, packet(8, 50, 97));
    await until('both are there', () => player.packets.length >= 2 && other.mediaBytes > 0);
    const latest = player.packets.slice(-2);
    expect(latest).toEqual([
      { channel: 0, payload: packet(7, 1400) },
      { channel: 2, payload: packet(8, 50, 97) },
    ]);
    expect(server.streams).toEqual(['cam1']);
  });

  it('relays from TCP to UDP and from UDP to TCP', async () => {
    await serve();
    await onAir('/live/a', { over: 'tcp' });
    await onAir('/live/b', { over: 'udp' });
    await Promise.all([watching('/live/a', { over: 'udp' }), watching('/live/b', { over: 'tcp' })]);
  });

  it('uses the channels that the player asks for, and plays a single track', async () => {
    await serve();
    await onAir();
    const player = client();
    await player.ask('DESCRIBE', player.url('/live/cam1'));
    const transport = { Transport: 'RTP/AVP/TCP;unicast;interleaved=10-11' };
    const setUp = await player.ask('SETUP', player.url('/live/cam1/trackID=1'), transport);
    expect(setUp.headers['transport']).toBe('RTP/AVP/TCP;unicast;interleaved=10-11');
    player.session = setUp.headers['session']!.split(';')[0];
    await player.ask('PLAY', player.url('/live/cam1'));
    await until('media arrives', () => player.packets.length > 3);
    expect(new Set(player.packets.map(({ channel }) => channel))).toEqual(new Set([10]));
  });

  it('asks `authorize`, which may take its time, throw, or refuse with an RTSP status', async () => {
    const asked: string[] = [];
    await serve({
      authorize: async ({ action, stream, token, userAgent, remoteAddress, secure }) => {
        asked.push(`${action} ${stream} ${token} ${userAgent} ${remoteAddress} ${secure}`);
        await Promise.resolve();
        if (token === 'boom') throw new Error('broken');
        return action === 'publish' || token === 'good' || { status: 453, reason: 'full' };
      },
    });
    await onAir();
    expect((await client().play('/live/cam1?token=good', { 'User-Agent': 'me/1' })).status).toBe(200);
    expect(await client().play('/live/cam1?token=bad')).toMatchObject({
      status: 453,
      phrase: 'Not Enough Bandwidth: full',
    });
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expect((await client().play('/live/cam1?token=boom')).status).toBe(500);
    expect(warn.mock.calls).toMatchObject([
      [expect.stringContaining('broken'), { code: 'STREAM_SESSIONS_ADAPTER_FAULT' }],
    ]);
    expect(asked.slice(0, 2)).toEqual([
      'publish cam1  undefined 127.0.0.1 false',
      'play cam1 good me/1 127.0.0.1 false',
    ]);
  });

  it('cuts a stalled player, too', async () => {
    const clock = fakeClock();
    await serve({ clock, maxBufferBytes: 65_536, startTimeoutMs: 0, stallTimeoutMs: 3_000 });
    const publisher = client();
    await publisher.publish('/live/cam1', {}, SDP, 60_000);
    const [player, quick] = [await watching(), await watching()];
    player.socket.pause();
    await until('its buffers are full', () => quick.mediaBytes > 10_000_000);
    for (let i = 0; i < 5; i++) clock.advance(1_000);
    player.socket.resume();
    await until('it is over', () => player.ended);
    expect(quick.ended).toBe(false);
  });
});

describe('a conversation with the relay', () => {
  it('has 404 for unpublished streams, and 459, 461, 454 and 455 for invalid requests', async () => {
    await serve();
    await onAir();
    const one = client();
    const url = one.url('/live/cam1');
    const status = async (...args: Parameters<RtspClient['ask']>) => (await one.ask(...args)).status;
    expect(await status('DESCRIBE', one.url('/live/nothing'))).toBe(404);
    expect(await status('PLAY', url)).toBe(454);
    expect(await status('RECORD', url)).toBe(454);
    expect(await status('PAUSE', url)).toBe(454);
    expect(await status('TEARDOWN', url)).toBe(454);
    expect(await status('PLAY', url, { Session: 'nonsense' })).toBe(454);
    const tcp = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
    expect(await status('SETUP', url, tcp)).toBe(459);
    expect(await status('SETUP', `${url}/trackID=7`, tcp)).toBe(404);
    expect(await status('SETUP', `${url}/trackID=0`, { Transport: 'RTP/AVP;multicast;port=1-2' })).toBe(461);
    expect(await status('SETUP', `${url}/trackID=0`)).toBe(461);
    expect(await status('SETUP', `${url}/trackID=0`, { Transport: `${tcp.Transport};mode=record` })).toBe(455);
    expect(await status('PLAY', url)).toBe(454); // nothing is set up
    expect(await status('RECORD', url)).toBe(454);
    expect(await status('SETUP', `${url}/trackID=0`, tcp)).toBe(200);
    expect(await status('SETUP', `${url}/trackID=1`, tcp)).toBe(461); // these channels are taken
    expect(await status('RECORD', url)).toBe(455);
    expect(await status('SETUP', one.url('/live/other/trackID=1'), tcp)).toBe(455);
    expect(await status('DESCRIBE', one.url('/live/other'))).toBe(455);
    expect(await status('ANNOUNCE', url, { 'Content-Type': 'application/sdp' }, SDP)).toBe(455);
    expect(await status('PLAY', url)).toBe(200);
    expect(await status('SETUP', `${url}/trackID=1`, tcp)).toBe(455);
    expect(await status('FLY', url)).toBe(501);
    expect(await status('PLAY', url, { Require: 'teleport' })).toBe(551);
    expect(await status('GET_PARAMETER', url)).toBe(200);
    expect(await status('GET_PARAMETER', url, {}, 'jitter')).toBe(451);
    expect(await status('TEARDOWN', url)).toBe(200);
  });

  it('lists the supported methods, and requests keep a quiet player alive', async () => {
    await serve();
    const options = await client().ask('OPTIONS', '*');
    expect(options).toMatchObject({ status: 200, headers: { public: expect.stringContaining('ANNOUNCE') as string } });
  });

  it('has responses in order, even if requests come at once', async () => {
    const tracker = track({
      policies: [{ name: 'slow', admit: () => pace(30).then(() => ({ allow: true }) as const) }],
    });
    await serve({ tracker });
    await onAir();
    const player = client();
    const url = player.url('/live/cam1');
    const setUp = (track: number) =>
      player.ask('SETUP', `${url}/trackID=${track}`, {
        Transport: `RTP/AVP/TCP;unicast;interleaved=${2 * track}-${2 * track + 1}`,
      });
    const answers = [
      player.ask('DESCRIBE', url),
      setUp(0),
      setUp(1),
      player.ask('PLAY', url),
      player.ask('OPTIONS', '*'),
    ];
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(player.responses.map(({ headers }) => headers['cseq'])).toEqual(['1', '2', '3', '4', '5']);
    expect(tracker.list({ kind: 'viewer' })).toHaveLength(1);
  });

  it('stops at PAUSE, continues at PLAY, and starts anew after TEARDOWN', async () => {
    const tracker = track();
    await serve({ tracker });
    const publisher = await onAir();
    const player = await watching();
    expect((await player.ask('PAUSE', player.url('/live/cam1'))).status).toBe(200);
    player.packets.length = 0;
    publisher.send(0, packet(1, 700));
    await publisher.ask('OPTIONS', '*');
    await player.ask('OPTIONS', '*');
    expect(player.packets).toEqual([]);
    expect(active(tracker, 'viewer')).toHaveLength(1);
    expect((await player.ask('PLAY', player.url('/live/cam1'))).status).toBe(200);
    await until('it plays on', () => player.packets.length > 0);
    expect((await player.ask('TEARDOWN', player.url('/live/cam1'))).status).toBe(200);
    expect(tracker.list({ kind: 'viewer' })).toMatchObject([{ closeReason: 'client_gone' }]);
    player.session = undefined;
    expect((await player.play('/live/cam1')).status).toBe(200);
    expect(active(tracker, 'viewer')).toHaveLength(1);
  });

  it('gives a late joiner the latest sender reports, which tie the clocks of its tracks together', async () => {
    await serve();
    const publisher = client();
    await publisher.publish('/live/cam1');
    publisher.fallSilent();
    publisher.send(1, packet(3, 28, 200));
    await publisher.ask('OPTIONS', '*');
    const player = client();
    await player.play('/live/cam1');
    await until('it has the report', () => player.packets.length > 0);
    expect(player.packets[0]).toEqual({ channel: 1, payload: packet(3, 28, 200) });
  });
});

describe('publishers', () => {
  it('are replaced by a new publisher; players of the same tracks play on', async () => {
    const tracker = track();
    await serve({ tracker });
    const first = await onAir();
    const player = await watching();
    const second = await onAir();
    await until('the first is cut', () => first.ended);
    const then = player.mediaBytes;
    await until('the player plays on', () => player.mediaBytes > then + 5_000);
    expect(second.ended).toBe(false);
    expect(tracker.list({ kind: 'input', status: 'closed' })).toMatchObject([{ closeReason: 'replaced' }]);
    expect(active(tracker, 'input')).toHaveLength(1);
  });

  it('are replaced only by a publisher that sends, not by one that only announces', async () => {
    await serve();
    const first = await onAir();
    expect((await client().announce('/live/cam1')).status).toBe(200);
    const player = await watching();
    expect([first.ended, player.ended]).toEqual([false, false]);
  });

  it('take their players with them when they leave, or when they send other tracks', async () => {
    const tracker = track();
    await serve({ tracker });
    await onAir();
    const player = await watching();
    const publisher = client();
    await publisher.publish('/live/cam1', {}, SDP.replace('H264', 'H265'));
    await until('the player is let go', () => player.ended);
    const another = await watching();
    publisher.drop();
    await until('the other one, too', () => another.ended);
    expect(tracker.list({ kind: 'viewer' }).map(({ closeReason }) => closeReason)).toEqual([
      'stream_ended',
      'stream_ended',
    ]);
    await until('it is off air', () => server.streams.length === 0);
    expect((await client().play('/live/cam1')).status).toBe(404);
  });

  it.each([
    ['no SDP', 'hello', 'application/sdp', 400],
    ['another type', SDP, 'text/plain', 415],
    ['no track', 'v=0\r\ns=x\r\n', 'application/sdp', 400],
  ])('with %s get an error status', async (_what, body, type, status) => {
    await serve();
    const one = client();
    expect((await one.ask('ANNOUNCE', one.url('/live/a'), { 'Content-Type': type }, body)).status).toBe(status);
  });
});

describe('with a tracker', () => {
  const kinds = { limit: 453, forbidden: 403, overload: 503, credentials: 401 } as const;
  it.each(Object.entries(kinds))('answers a denial of kind %s with %i', async (kind, status) => {
    const door: Policy = {
      name: 'door',
      admit: ({ token }) =>
        token === 'bad'
          ? { allow: false, reason: 'policy', kind: kind as keyof typeof kinds, detail: 'so it is' }
          : { allow: true },
    };
    const tracker = track({ policies: [door] });
    await serve({ tracker });
    await onAir('/live/cam1?token=good');
    const player = client();
    const described = await player.ask('DESCRIBE', player.url('/live/cam1?token=bad'));
    expect(described).toMatchObject({ status, phrase: expect.stringContaining(': policy: so it is') as string });
    expect('www-authenticate' in described.headers).toBe(kind === 'credentials');
    if (kind !== 'credentials') await until('it is hung up on', () => player.ended);
    const publisher = client();
    expect((await publisher.announce('/live/cam2?token=bad')).status).toBe(status);
    const late = client(); // without DESCRIBE
    expect((await late.setUp(late.url('/live/cam1?token=bad/trackID=0'), 0)).status).toBe(status);
    expect(active(tracker, 'viewer')).toEqual([]);
  });

  it('learns token, query, user agent and address, wherever the player puts the track', async () => {
    const tracker = track({ exposeTokens: true });
    await serve({ tracker });
    await onAir();
    for (const path of ['/trackID=0?token=abc', '?token=abc/trackID=0', '?token=abc&x=1/trackID=0']) {
      const player = client();
      const response = await player.setUp(player.url(`/live/cam1${path}`), 0, { 'User-Agent': 'me/1.0' });
      expect(response.status).toBe(200);
      const [viewer] = active(tracker, 'viewer');
      expect(viewer).toMatchObject({
        stream: 'cam1',
        token: 'abc',
        userAgent: 'me/1.0',
        ip: '127.0.0.1',
        secure: false,
      });
      player.drop();
      await until('it has gone', () => active(tracker, 'viewer').length === 0);
    }
  });

  it('passes Digest and Basic credentials to policies, and lets a client with wrong ones try again', async () => {
    const asked: string[] = [];
    const policy: Policy = {
      name: 'passwords',
      stage: 'authorise',
      admit: ({ kind, credentials }) => {
        if (kind === 'input') return { allow: true };
        asked.push(credentials?.scheme ?? 'none');
        const isRight = credentials && credentials.scheme !== 'bearer' && credentials.verify('secret');
        if (isRight) return { allow: true, userId: credentials.user };
        return { allow: false, reason: 'unauthorized', kind: 'credentials' };
      },
    };
    const tracker = track({ policies: [policy] });
    await serve({ tracker, realm: 'cameras' });
    await onAir();
    const player = client();
    const url = player.url('/live/cam1');
    const challenged = await player.ask('DESCRIBE', url);
    const nonce = /^Digest realm="cameras", nonce="(\w+)", algorithm=MD5\nBasic realm="cameras"$/.exec(
      challenged.headers['www-authenticate'] ?? '',
    )?.[1];
    const digest = (password: string) => {
      const response = md5(`${md5(`me:cameras:${password}`)}:${nonce}:${md5(`DESCRIBE:${url}`)}`);
      return `Digest username="me", realm="cameras", nonce="${nonce}", uri="${url}", response="${response}"`;
    };
    player.authorization = digest('wrong');
    expect((await player.ask('DESCRIBE', url)).status).toBe(401);
    player.authorization = digest('secret');
    expect((await player.play('/live/cam1')).status).toBe(200);
    expect(active(tracker, 'viewer')).toMatchObject([{ userName: 'me' }]);

    const other = client();
    other.authorization = digest('secret'); // overheard on the first connection
    expect((await other.ask('DESCRIBE', url)).status).toBe(401);
    other.authorization = `Basic ${Buffer.from('you:secret').toString('base64')}`;
    expect((await other.play('/live/cam1')).status).toBe(200);
    expect(asked).toEqual(['none', 'digest', 'digest', 'basic']);
  });

  it('limits the number of password attempts', async () => {
    const tracker = track({
      policies: [{ name: 'no', admit: () => ({ allow: false, reason: 'unauthorized', kind: 'credentials' }) }],
    });
    await serve({ tracker });
    const one = client();
    const answers: number[] = [];
    for (let i = 0; i < 10 && !one.ended; i++) {
      one.authorization = `Basic ${Buffer.from(`me:${i}`).toString('base64')}`;
      answers.push((await one.announce('/live/x')).status);
    }
    expect(answers.filter((status) => status === 401)).toHaveLength(5);
    expect(one.ended).toBe(true);
  });

  it('does not list a client that only asks', async () => {
    const clock = fakeClock(Date.now());
    const tracker = track();
    await serve({ tracker, clock });
    await onAir();
    const asking = client();
    await asking.ask('DESCRIBE', asking.url('/live/cam1'));
    const setUp = client();
    await setUp.setUp(setUp.url('/live/cam1/trackID=0'), 0);
    const announcing = client();
    await announcing.announce('/live/cam2');
    const silent = client();
    await once(silent.socket, 'connect');
    for (let i = 0; i < 12; i++) {
      clock.advance(1_000);
      if (i < 8) await asking.ask('DESCRIBE', asking.url('/live/cam1')); // however often
    }
    await until('all are hung up on', () => [asking, setUp, announcing, silent].every(({ ended }) => ended));
    expect(active(tracker, 'viewer')).toEqual([]);
    expect(active(tracker, 'input')).toMatchObject([{ stream: 'cam1' }]);
    expect(tracker.list({ kind: 'viewer' }).map(({ bytes, closeReason }) => [bytes, closeReason])).toEqual([
      [0, 'idle'],
      [0, 'idle'],
    ]);
  });

  it('opens no session for a stream that does not exist', async () => {
    const tracker = track();
    await serve({ tracker });
    expect((await client().play('/live/nothing')).status).toBe(404);
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('gives each of two trackers a say, and keeps one when the other is detached', async () => {
    const [one, two] = [
      track(),
      track({
        policies: [
          { name: 'x', admit: ({ token }) => (token !== 'x' ? { allow: true } : { allow: false, reason: 'policy' }) },
        ],
      }),
    ];
    await serve();
    attachRtsp(server, one);
    const second = attachRtsp(server, two);
    await onAir();
    const player = await watching();
    expect((await client().play('/live/cam1?token=x')).status).toBe(403);
    expect([active(one, 'viewer').length, active(two, 'viewer').length]).toEqual([1, 1]);
    await second.detach();
    await second.detach();
    expect([active(one, 'viewer').length, active(two, 'viewer').length]).toEqual([1, 0]);
    expect((await client().play('/live/cam1?token=x')).status).toBe(200);
    expect(player.ended).toBe(false);
    const [{ id } = { id: '' }] = active(one, 'viewer');
    one.kick(id);
    await until('it is cut', () => player.ended);
    expect(one.get(id)!.bytes).toBeGreaterThanOrEqual(player.mediaBytes);
  });

  it('refuses clients that wait for an answer when the tracker is detached', async () => {
    const admit = jest.fn(() => new Promise<never>(() => undefined));
    const tracker = track({ policies: [{ name: 'never', admit }] });
    await serve();
    const attachment = attachRtsp(server, tracker);
    const one = client();
    const announced = one.announce('/live/cam1');
    await until('it is asked', () => admit.mock.calls.length === 1);
    await attachment.detach();
    expect((await announced).status).toBe(503);
  });

  it('sends nothing to a client that a listener of `opened` kicks', async () => {
    const tracker = track();
    tracker.on('opened', ({ session }) => session.kind === 'viewer' && tracker.kick(session.id));
    await serve({ tracker });
    await onAir();
    const player = client();
    expect([0, 403]).toContain((await player.play('/live/cam1')).status);
    expect(player.mediaBytes).toBe(0);
    expect(tracker.list({ kind: 'viewer' })).toMatchObject([{ closeReason: 'kicked', bytes: 0 }]);
  });

  it('keeps two servers in one process apart', async () => {
    const [one, two] = [track(), track()];
    const other = createRtspServer({ tracker: two, port: 0, host: '127.0.0.1' });
    await serve({ tracker: one });
    await other.listen();
    await onAir();
    await watching();
    expect((await new RtspClient(other.address()!.port).play('/live/cam1')).status).toBe(404);
    await other.close();
    expect([one.count({ status: 'active' }), two.stats().openedTotal]).toEqual([2, 0]);
  });

  it('closes its sessions with the server, and may be closed twice', async () => {
    const tracker = track();
    await serve({ tracker });
    await onAir();
    await watching();
    await server.close();
    await server.close();
    expect(tracker.list().map(({ closeReason }) => closeReason)).toEqual(['shutdown', 'shutdown']);
    expect(server.address()).toBeNull();
  });
});

describe('over UDP', () => {
  it('ends players not heard of for the session timeout, and keeps those that send requests or reports', async () => {
    const clock = fakeClock(Date.now());
    const tracker = track();
    await serve({ tracker, clock, sessionTimeoutMs: 20_000 });
    await onAir();
    const [quiet, asking, reporting] = [
      await watching('/live/cam1?token=quiet', { over: 'udp' }),
      await watching('/live/cam1?token=asking', { over: 'udp' }),
      await watching('/live/cam1?token=reporting', { over: 'udp' }),
    ];
    expect(quiet.responses.at(-1)?.headers['session']).toMatch(/;timeout=20$/);
    for (let i = 0; i < 25; i++) {
      expect((await asking.ask('GET_PARAMETER', asking.url('/live/cam1'))).status).toBe(200);
      const received = () => tracker.list({ kind: 'viewer' })[2]!.bytesReceived;
      const before = received();
      reporting.send(1, packet(1, 32, 201));
      await pace(10);
      clock.advance(1_000);
      expect(received()).toBeGreaterThanOrEqual(before);
    }
    await until('the quiet one is cut', () => quiet.ended);
    expect([asking.ended, reporting.ended]).toEqual([false, false]);
    expect(tracker.list({ kind: 'viewer' }).map(({ closeReason }) => closeReason)).toEqual([
      'client_gone',
      undefined,
      undefined,
    ]);
  });

  it('counts the payload of the datagrams', async () => {
    const tracker = track();
    await serve({ tracker });
    await onAir();
    const player = await watching('/live/cam1', { over: 'udp' });
    await until('some media has come', () => player.mediaBytes > 20_000);
    const [{ id } = { id: '' }] = active(tracker, 'viewer');
    tracker.kick(id);
    const received = player.mediaBytes;
    const { bytes } = tracker.get(id)!;
    expect(bytes).toBeGreaterThanOrEqual(received);
    expect(bytes).toBeLessThan(received + 10_000);
  });

  it('sends to no other address: not to a destination, not to port 0, not to ports of services', async () => {
    await serve();
    await onAir();
    const one = client();
    const ask = async (transport: string) =>
      (await one.ask('SETUP', one.url('/live/cam1/trackID=0'), { Transport: `RTP/AVP;unicast;${transport}` })).status;
    expect(await ask('client_port=50000-50001;destination=192.0.2.1')).toBe(461);
    expect(await ask('client_port=0-1')).toBe(461);
    expect(await ask('client_port=53-54')).toBe(461);
    expect(await ask('client_port=1023-1024')).toBe(461);
    expect(await ask('client_port=65535')).toBe(461);
    expect(await ask('client_port=5000-5000')).toBe(461);
    expect(await ask('client_port=50000-50001;destination=127.0.0.1')).toBe(200);
  });

  it('accepts datagrams from nobody else', async () => {
    const tracker = track();
    await serve({ tracker });
    const publisher = await onAir('/live/cam1', { over: 'udp' });
    publisher.fallSilent();
    const player = client();
    await player.play('/live/cam1');
    const to = Number(/server_port=(\d+)/.exec(publisher.responses[1]!.headers['transport']!)![1]);
    const stranger = createSocket('udp4');
    stranger.send(packet(666, 666), to, '127.0.0.1');
    publisher.send(0, packet(1, 111));
    await until('the media is there', () => player.packets.some(({ payload }) => payload.length === 111));
    stranger.close();
    expect(player.packets.some(({ payload }) => payload.length === 666)).toBe(false);
  });

  it('uses the configured ports, gives them back, and answers 461 when none is left', async () => {
    // below those that the system gives to others
    const base = 20_000 + 2 * Math.floor(Math.random() * 5_000);
    await serve({ udpPorts: [base, base + 3] });
    await onAir();
    const portsOf = (response: { headers: Record<string, string> }) =>
      /server_port=(\d+)-/.exec(response.headers['transport'] ?? '')?.[1];
    const player = client({ over: 'udp' });
    expect((await player.play('/live/cam1')).status).toBe(200);
    expect(new Set(player.responses.slice(1, 3).map(portsOf))).toEqual(new Set([String(base), String(base + 2)]));
    expect((await client({ over: 'udp' }).play('/live/cam1')).status).toBe(461);
    player.drop();
    await until('there is room again', async () => (await client({ over: 'udp' }).play('/live/cam1')).status === 200);
  });

  it('is not offered with RTSPS, because its media would be unencrypted', async () => {
    await serve({ tls: certificate() });
    await onAir('/live/cam1', { secure: true });
    const player = client({ secure: true, over: 'udp' });
    expect((await player.play('/live/cam1')).status).toBe(461);
    await watching('/live/cam1', { secure: true });
  });

  it('is off with udpPorts: false', async () => {
    await serve({ udpPorts: false });
    await onAir();
    expect((await client({ over: 'udp' }).play('/live/cam1')).status).toBe(461);
  });
});

describe('a slow player', () => {
  it('misses packets without delaying others, and is cut as stalled when it takes nothing at all', async () => {
    const clock = fakeClock(Date.now());
    const tracker = track();
    await serve({ tracker, clock, maxBufferBytes: 100_000, startTimeoutMs: 0 });
    const publisher = client();
    await publisher.publish('/live/cam1', {}, SDP, 60_000);
    const [slow, quick] = [await watching('/live/cam1?token=slow'), await watching('/live/cam1?token=quick')];
    slow.socket.pause();
    await until('a hundred times its buffer has passed it', () => quick.mediaBytes > 10_000_000);
    const { connections } = (server as unknown as { relay: { connections: Set<{ socket: Socket }> } }).relay;
    const waiting = [...connections].map(({ socket }) => socket.writableLength);
    expect(Math.max(...waiting)).toBeGreaterThan(100_000);
    expect(Math.max(...waiting)).toBeLessThan(600_000); // and what came in one turn
    expect(active(tracker, 'viewer')).toHaveLength(2);
    for (let i = 0; i < 17; i++) clock.advance(1_000);
    expect(tracker.list({ kind: 'viewer' }).map(({ closeReason }) => closeReason)).toEqual(['stalled', undefined]);
    const then = quick.mediaBytes;
    await until('the quick one plays on', () => quick.mediaBytes > then);
  });
});

describe('options', () => {
  const each = (values: readonly unknown[], ...names: string[]): [object, RegExp][] =>
    names.flatMap((name) => values.map((value): [object, RegExp] => [{ [name]: value }, new RegExp(name)]));

  afterEach(() => (server = createRtspServer()));

  it.each([
    [{ tracker: createTracker(), authorize: () => true }, /authorize must be left out/],
    [{ sessionTimeout: 1 }, /Did you mean "sessionTimeoutMs"/],
    [{ sessionTimeoutMs: 0 }, /sessionTimeoutMs/],
    [{ startTimeoutMs: -1 }, /startTimeoutMs/],
    [{ stallTimeoutMs: NaN }, /stallTimeoutMs/],
    [{ maxBufferBytes: 1 }, /maxBufferBytes/],
    [{ udpPorts: [1, 2] }, /udpPorts/],
    [{ udpPorts: 5000 }, /udpPorts/],
    [{ host: null }, /host/],
    [{ host: '' }, /host/],
    [{ host: ['127.0.0.1'] }, /host/],
    [{ realm: 'a"b' }, /realm/],
    [{ port: 70_000 }, /port/],
    [{ authentication: [] }, /authentication/],
    [{ authorize: true }, /authorize/],
    [{ realm: null }, /realm/],
    [{ tls: null }, /tls/],
    [{ tls: true }, /tls/],
    ...each(NO_DURATION, 'startTimeoutMs', 'sessionTimeoutMs', 'stallTimeoutMs'),
    ...each(NO_SIZE, 'maxBufferBytes'),
    ...each(NO_CLOCK, 'clock'),
  ])('%j are refused', (options, message) => {
    expect(() => createRtspServer(options as RtspServerOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it('listen() serves nothing in plain where a key is missing', async () => {
    server = createRtspServer();
    await expect(server.listen({ port: 0, tls: null } as never)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    await expect(server.listen(0, null as never)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    await expect(server.listen({ port: 0, host: '' })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    expect(server.address()).toBeNull();
  });

  it('attachRtsp() rejects other servers, a server with authorize, and unknown options', () => {
    const tracker = createTracker();
    expect(() => attachRtsp({} as RtspServer, tracker)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_SERVER' }) as Error,
    );
    expect(() => attachRtsp(createRtspServer({ authorize: () => true }), tracker)).toThrow(/authorize/);
    expect(() => attachRtsp(createRtspServer(), tracker, { stall: 1 } as object)).toThrow(/stallTimeoutMs/);
  });

  it('a server survives a connection that cannot be accepted', async () => {
    await serve();
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { listening } = server as unknown as { listening: NodeJS.EventEmitter[] };
    listening[0]!.emit('error', new Error('accept EMFILE'));
    expect(warn.mock.calls.length).toBeLessThanOrEqual(1); // told once in a process
    expect((await client().ask('OPTIONS', '*')).status).toBe(200);
    await server.close();
  });

  it('listen() rejects for a port that is taken', async () => {
    await serve();
    await expect(createRtspServer().listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
  });
});
