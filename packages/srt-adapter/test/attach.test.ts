import { EventEmitter } from 'node:events';
import {
  createTracker,
  type DenialKind,
  type PlaySession,
  type Policy,
  type SessionTracker,
} from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { attachSrt, createSrtServer, type SrtConnection, type SrtServer, type SrtStatistics } from '../src/index.js';
import { StallRule } from '../src/client/stall-rule.js';
import { Caller } from './support/caller.js';
import { until } from '../../../test/support/until.js';

describe('a server of createSrtServer() with two trackers', () => {
  let server: SrtServer;
  let first: SessionTracker;
  let second: SessionTracker;
  const callers: Caller[] = [];
  const call = (streamId: string): Caller => {
    const caller = new Caller(server.port, streamId);
    callers.push(caller);
    return caller;
  };
  const active = (tracker: SessionTracker) => tracker.list({ status: 'active' });

  beforeEach(() => {
    [first, second] = [createTracker(), createTracker()];
    server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker: first });
  });
  afterEach(async () => {
    const dropped = Promise.all(callers.splice(0).map((caller) => caller.drop()));
    await server.close();
    await Promise.all([dropped, first.stop(), second.stop()]);
  });

  it('shows every session to each of them, and detaches one without the other', async () => {
    const attachment = attachSrt(server, second);
    (await call('#!::r=live/cam1,m=publish,u=me,t=secret').connects()).publish();
    const player = call('live/cam1?token=abc&x=1');
    await until('it plays', () => player.received > 0);
    for (const tracker of [first, second]) {
      expect(
        active(tracker)
          .map(({ kind, stream, userAgent }) => [kind, stream, userAgent])
          .sort(),
      ).toEqual([
        ['input', 'cam1', expect.stringMatching(/^SRT\/1\.\d/)],
        ['viewer', 'cam1', expect.stringMatching(/^SRT\/1\.\d/)],
      ]);
    }
    await attachment.detach();
    await attachment.detach();
    expect(active(second)).toEqual([]);
    expect(second.list().map(({ closeReason }) => closeReason)).toEqual(['shutdown', 'shutdown']);
    expect(active(first)).toHaveLength(2);
    const then = player.received;
    await until('it plays on', () => player.received > then);
    call('cam1');
    await until('a new one is seen by one', () => active(first).length === 3);
    expect(second.list()).toHaveLength(2);
    expect((server as unknown as EventEmitter).listenerCount('connection')).toBe(1);
  });

  it('keeps tokens out of sight, however they came', async () => {
    call('#!::r=live/cam1,m=publish,u=me,t=hush-hush-1');
    call('#!::r=live/cam1?token=hush-hush-2&x=1,m=request');
    call('#!::r=live/cam1,token=hush-hush-3');
    call('live/cam1?tkn=hush-hush-4');
    await until('all are listed', () => active(first).length === 4);
    const sessions = active(first);
    expect(JSON.stringify(sessions)).not.toContain('hush-hush');
    expect(new Set(sessions.map(({ tokenFingerprint }) => tokenFingerprint)).size).toBe(4);
    expect(sessions.find(({ kind }) => kind === 'input')!.query).toMatch(/^m=publish&token=/);
  });

  it('sets libsrt’s measurements as tags of the session, which updates it', async () => {
    let updated = 0;
    first.updateConfig({ updateIntervalMs: 1 });
    first.on('updated', () => updated++);
    const patient = call('nothing-yet');
    await until('it is tagged', () => Object.keys(active(first)[0]?.tags ?? {}).length > 0);
    expect(active(first)[0]!.tags).toEqual({
      srt_rtt_ms: expect.stringMatching(/^\d+\.\d$/),
      srt_packets_lost: '0',
      srt_packets_retransmitted: '0',
      srt_packets_dropped: '0',
    });
    await until('it is reported', () => updated > 0);
    await patient.drop();
  });

  it('cuts a publisher that is kicked, and its players wait', async () => {
    const publisher = (await call('#!::r=cam1,m=publish').connects()).publish();
    const player = call('cam1');
    await until('it plays', () => player.received > 0);
    expect(first.kick(active(first).find(({ kind }) => kind === 'input')!.id)).toBe(true);
    await until('it is cut', () => publisher.ended);
    expect(active(first).map(({ kind }) => kind)).toEqual(['viewer']);
    expect(player.ended).toBe(false);
  });

  it('closes all sessions with shutdown when the server closes, and when the tracker stops', async () => {
    const player = call('cam1');
    await until('it is listed', () => active(first).length === 1);
    await first.stop();
    await until('it is cut', () => player.ended);
    attachSrt(server, second);
    call('cam2');
    await until('it is listed', () => active(second).length === 1);
    await server.close();
    const reasons = [first, second].map((tracker) => tracker.list().map(({ closeReason }) => closeReason));
    expect(reasons).toEqual([['shutdown'], ['shutdown']]);
  });
});

/** What the README shows: a server of another library, in a wrapper. */
class OtherConnection extends EventEmitter implements SrtConnection {
  bytesSent = 0;
  bytesReceived = 0;
  holds = 0;
  closedWith: (number | undefined)[] = [];
  constructor(
    readonly streamId: string | undefined,
    readonly remoteAddress = '192.0.2.1',
  ) {
    super();
  }
  hold() {
    this.holds++;
    return () => void this.holds--;
  }
  close(code?: number) {
    this.closedWith.push(code);
    this.emit('close');
  }
}

describe('a server of another library', () => {
  const denying = (kind: DenialKind) =>
    createTracker({ policies: [{ name: 'no', admit: () => ({ allow: false, reason: 'unauthorized', kind }) }] });

  it('is recognised by its shape, with what it reports and without what it does not', async () => {
    const [server, clock] = [new EventEmitter(), fakeClock()];
    const tracker = createTracker({ clock });
    const attachment = attachSrt(server, tracker, { clock });
    const connection = new OtherConnection('live/cam1?token=abc');
    server.emit('connection', connection);
    const session = (): PlaySession => tracker.list()[0]!;
    expect(session()).toMatchObject({ stream: 'cam1', kind: 'viewer', protocol: 'srt', ip: '192.0.2.1', tags: {} });
    connection.bytesSent = 1316;
    clock.advance(1_000);
    expect(session().bytes).toBe(1316);
    connection.bytesSent = 2632;
    connection.emit('close');
    expect(session()).toMatchObject({ bytes: 2632, closeReason: 'client_gone' });
    expect(connection.listenerCount('close')).toBe(0);
    await attachment.detach();
    expect([server.listenerCount('connection'), server.listenerCount('closing')]).toEqual([0, 0]);
    await tracker.stop();
  });

  it('is asked to hold a caller while its verdict is pending', async () => {
    const server = new EventEmitter();
    let answer: (verdict: { allow: true }) => void = () => undefined;
    const tracker = createTracker({
      policies: [{ name: 'slow', admit: () => new Promise<{ allow: true }>((resolve) => (answer = resolve)) }],
    });
    attachSrt(server, tracker);
    const connection = new OtherConnection('cam1');
    server.emit('connection', connection);
    expect(connection.holds).toBe(1);
    answer({ allow: true });
    await until('it is let go', () => connection.holds === 0);
    expect(tracker.count()).toBe(1);
    await tracker.stop();
    expect(connection.closedWith).toEqual([undefined]);
  });

  it.each([
    ['credentials', 1401],
    ['forbidden', 1403],
    ['limit', 1402],
    ['overload', 1402],
  ] as const)('gets the reject code of a denial: %s is %i', async (kind, code) => {
    const server = new EventEmitter();
    const tracker = denying(kind);
    attachSrt(server, tracker);
    const connection = new OtherConnection('cam1');
    server.emit('connection', connection);
    expect(connection.closedWith).toEqual([code]);
    expect(connection.listenerCount('close')).toBe(0);
    await tracker.stop();
  });

  it.each([
    ['live/cam1?token=abc&x=1', { url: '/live/cam1?token=abc&x=1', query: 'token=abc&x=1', token: 'abc' }],
    ['#!::r=live/cam1,s=7,t=abc', { url: '/live/cam1?s=7&token=abc', query: 's=7&token=abc', token: 'abc' }],
    ['#!::r=/live/cam1?x=1&tkn=abc,t=stream', { url: '/live/cam1?x=1&tkn=abc&t=stream', token: 'abc' }],
    ['#!::r=cam1?x=1&token=a,token=b', { url: '/cam1?x=1&token=b', token: 'b' }],
    ['live%2Fcam1%3Ftoken%3Dabc', { url: '/live/cam1?token=abc', query: 'token=abc', token: 'abc' }],
    ['srt://me:secret@host/live/cam1', { url: '/live/cam1' }],
    ['#!::r=cam1,m=publish', { url: '/cam1?m=publish', kind: 'input' }],
    ['cam1', { url: '/cam1', kind: 'viewer' }],
  ])('passes %s to policies', async (streamId, said) => {
    const asked: object[] = [];
    const policy: Policy = {
      name: 'listening',
      admit: (candidate) => {
        asked.push({ ...candidate });
        return { allow: true };
      },
    };
    const [server, tracker] = [new EventEmitter(), createTracker({ policies: [policy] })];
    attachSrt(server, tracker);
    server.emit('connection', new OtherConnection(streamId, '2001:db8::7'));
    expect(asked).toEqual([expect.objectContaining({ stream: 'cam1', ...said })]);
    expect(tracker.list()[0]!.ip).toBe('2001:db8::7');
    await tracker.stop();
  });

  it('is asked to end a player that sends, and not a publisher', async () => {
    const [server, clock] = [new EventEmitter(), fakeClock()];
    const tracker = createTracker({ clock });
    attachSrt(server, tracker, { clock });
    const connections = ['cam1', '#!::r=cam1,m=publish'].map((id) => new OtherConnection(id));
    for (const connection of connections) {
      server.emit('connection', connection);
      Object.assign(connection, { statistics: () => undefined, bytesReceived: 64 * 1024 });
    }
    clock.advance(1_000);
    await Promise.resolve();
    expect(tracker.stats().active).toBe(2);
    for (const connection of connections) connection.bytesReceived++;
    clock.advance(1_000);
    await Promise.resolve();
    expect(connections.map(({ closedWith }) => closedWith)).toEqual([[undefined], []]);
    expect(tracker.list({ status: 'closed' }).map(({ kind, closeReason }) => [kind, closeReason])).toEqual([
      ['viewer', 'transport_error'],
    ]);
    await tracker.stop();
  });

  it('is asked to end callers that ask for no stream, or for another mode', () => {
    const server = new EventEmitter();
    const tracker = createTracker();
    attachSrt(server, tracker);
    const ids = [
      '',
      undefined,
      '#!::m=publish',
      '#!::r=cam1,m=bidirectional',
      `${'x'.repeat(257)}`,
      'a\u0000b',
      'a%00b',
      'me:secret@cam1',
      'a%2541',
    ];
    const connections = ids.map((id) => new OtherConnection(id));
    connections.forEach((connection) => server.emit('connection', connection));
    expect(connections.map(({ closedWith }) => closedWith[0])).toEqual([
      1400, 1400, 1400, 1405, 1400, 1400, 1400, 1400, 1400,
    ]);
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('survives a tracker that fails at a hit, and the caller is cut', () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const server = new EventEmitter();
    const tracker = createTracker();
    tracker.admit = () => {
      throw new Error('a mistake');
    };
    attachSrt(server, tracker);
    const connection = new OtherConnection('cam1');
    server.emit('connection', connection);
    expect(connection.closedWith).toEqual([1500]);
    expect(warned).toHaveBeenCalledTimes(1);
  });

  it('is rejected if it does not emit connections', () => {
    expect(() => attachSrt({} as never, createTracker())).toThrow(expect.objectContaining({ code: 'ERR_BAD_SERVER' }));
    expect(() => attachSrt(new EventEmitter(), createTracker(), { stall: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION' }),
    );
  });
});

describe('a player', () => {
  const reading = (packetsSent: number, packetsDropped = 0, bytesWaiting = 0) =>
    ({ packetsSent, packetsDropped, bytesWaiting }) as SrtStatistics;

  it.each([
    ['takes its stream', (s: number) => reading(s * 100, 0, 5_000), -1],
    ['has nothing to take', () => reading(0), -1],
    ['loses some now and then', (s: number) => reading(s * 100, Math.floor(s / 5)), -1],
    ['takes nothing of what waits', () => reading(50, 0, 40_000), 16],
    ['loses some every second', (s: number) => reading(s * 100, s * 3, 500_000), 15],
  ])('that %s', (_what, at, after) => {
    const rule = new StallRule(15_000, 0);
    const looks = Array.from({ length: 60 }, (_, s) => rule.isStalled(at(s + 1), (s + 1) * 1000));
    // seconds until it is stalled
    expect(looks.indexOf(true)).toBe(after > 0 ? after - 1 : -1);
  });
});
