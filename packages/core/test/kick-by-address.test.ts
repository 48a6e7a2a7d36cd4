import type { ConnHit, HttpHit, TrackerOptions } from '../src/index.js';
import { connect, hit, live, mayConnect, mayRequest, must, now, refusal, request, setup } from './support/make.js';

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0';
const OTHER_BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0';

/** How players come over each transport: as ffmpeg, VLC and a browser do. */
const CONNECTIONS: [string, Partial<ConnHit>][] = [
  ['RTMP', { protocol: 'rtmp', userAgent: 'LNX 9,0,124,2' }],
  ['RTMP without an agent', { protocol: 'rtmp' }],
  ['RTSP', { protocol: 'rtsp', userAgent: 'LibVLC/3.0.18 (LIVE555 Streaming Media v2016.11.28)' }],
  ['SRT', { protocol: 'srt', userAgent: 'SRT/1.5.1' }],
  ['HTTP-FLV by ffmpeg', { protocol: 'http-flv', userAgent: 'Lavf/59.27.100' }],
];
const REQUESTS: [string, Partial<HttpHit>][] = [
  ['HLS', { userAgent: BROWSER }],
  ['DASH with a sid', { protocol: 'dash', userAgent: BROWSER, sid: 's' }],
  ['HLS with a token', { userAgent: BROWSER, token: 't' }],
  ['HLS by ffmpeg', { userAgent: 'Lavf/59.27.100' }],
];

/** Watches over HTTP and is kicked. */
function kickedOverHttp(over: Partial<HttpHit>, options: TrackerOptions = {}) {
  const { tracker } = setup(options);
  expect(tracker.kick(must(request(tracker, over).session).id)).toBe(true);
  return tracker;
}

function kickedConnection(over: Partial<ConnHit>, options: TrackerOptions = {}) {
  const { tracker } = setup(options);
  expect(tracker.kick(must(connect(tracker, over).session).id)).toBe(true);
  return tracker;
}

describe('a kicked viewer whom no policy named stays out on every protocol', () => {
  describe.each(REQUESTS)('watching %s', (_, before) => {
    it.each(CONNECTIONS)('and coming back over %s', (_name, after) => {
      const tracker = kickedOverHttp(before);
      expect(mayConnect(tracker, after)).toBe(false);
      expect(mayConnect(tracker, { ...after, token: 'another' })).toBe(false);
    });
    it.each(REQUESTS)('and coming back over %s, with the same player', (_name, { protocol = 'hls' }) => {
      expect(mayRequest(kickedOverHttp(before), { protocol, userAgent: before.userAgent })).toBe(false);
    });
  });

  describe.each(CONNECTIONS)('watching %s', (_, before) => {
    it.each(CONNECTIONS)('and coming back over %s', (_name, after) => {
      expect(mayConnect(kickedConnection(before), after)).toBe(false);
    });
    it.each(REQUESTS)('and coming back over %s', (_name, after) => {
      expect(mayRequest(kickedConnection(before), after)).toBe(false);
    });
  });

  it('compares browsers by User-Agent, over FLV as over HLS', () => {
    const flv = { protocol: 'http-flv', userAgent: BROWSER };
    const tracker = kickedOverHttp({ userAgent: BROWSER });
    expect(mayConnect(tracker, flv)).toBe(false);
    expect(mayConnect(tracker, { ...flv, userAgent: OTHER_BROWSER })).toBe(true);
    const over = kickedConnection(flv);
    expect(mayRequest(over, { userAgent: BROWSER })).toBe(false);
    expect(mayRequest(over, { userAgent: OTHER_BROWSER })).toBe(true);
    expect(mayConnect(over, { protocol: 'srt', userAgent: 'SRT/1.5.1' })).toBe(false);
  });

  it('compares players that were seen over HTTP and over a connection', () => {
    const { tracker } = setup({ identity: { mergeConnections: true } });
    connect(tracker, { token: 't' });
    tracker.kick(must(request(tracker, { token: 't', userAgent: BROWSER }).session).id);
    expect(mayRequest(tracker, { userAgent: OTHER_BROWSER })).toBe(true);
    expect(mayRequest(tracker, { userAgent: BROWSER })).toBe(false);
    expect(mayConnect(tracker, {})).toBe(false);
  });

  it('keeps out a publisher too, who is not mistaken for a viewer', () => {
    const tracker = kickedConnection({ kind: 'input', userAgent: 'FMLE/3.0 (compatible; Lavf59)' });
    expect(mayConnect(tracker, { kind: 'input', protocol: 'srt' })).toBe(false);
    expect(mayConnect(tracker, { kind: 'input', stream: 'cam2' })).toBe(true);
    expect(mayConnect(tracker, { kind: 'viewer' })).toBe(true);
  });
});

describe('what a kick costs neighbours of the viewer', () => {
  it('is nothing if they are already watching', () => {
    const { tracker } = setup();
    const neighbours = CONNECTIONS.map(([, over]) => connect(tracker, over));
    request(tracker, { userAgent: OTHER_BROWSER, sid: 'n' }).end();
    tracker.kick(must(request(tracker, { userAgent: BROWSER }).session).id);
    neighbours.forEach((each) => expect(each.session).toMatchObject({ closedAt: undefined }));
    expect(mayRequest(tracker, { userAgent: OTHER_BROWSER, sid: 'n' })).toBe(true);
  });

  it('is nothing at another address, on another stream, or after the denial', () => {
    const tracker = kickedConnection({});
    expect(mayConnect(tracker, { remoteAddress: '203.0.113.8:1' })).toBe(true);
    expect(mayConnect(tracker, { stream: 'cam2' })).toBe(true);
    expect(mayRequest(tracker, { userAgent: BROWSER })).toBe(false);
    tracker.liftDenial(must(tracker.denials()[0]).id);
    expect([mayConnect(tracker), mayRequest(tracker, { userAgent: BROWSER })]).toEqual([true, true]);
  });

  it('is with "never" nothing, except for the same player', () => {
    const options = { kickByAddress: 'never' } as const;
    const tracker = kickedOverHttp({ userAgent: BROWSER }, options);
    for (const [, over] of CONNECTIONS) expect(mayConnect(tracker, over)).toBe(true);
    expect(mayConnect(tracker, { userAgent: BROWSER })).toBe(false);
    expect(mayRequest(tracker, { userAgent: BROWSER, sid: 'new' })).toBe(false);
    expect(mayRequest(kickedConnection({}, options), { userAgent: BROWSER })).toBe(true);
  });

  it('is with "always" that they cannot start watching', () => {
    const tracker = kickedOverHttp({ userAgent: BROWSER }, { kickByAddress: 'always' });
    expect(mayRequest(tracker, { userAgent: OTHER_BROWSER })).toBe(false);
    expect(mayRequest(tracker, { userAgent: 'curl/8', token: 'new' })).toBe(false);
    expect(mayConnect(tracker, {})).toBe(false);
    expect(mayRequest(tracker, { userAgent: OTHER_BROWSER, ip: '203.0.113.8' })).toBe(true);
  });

  it('changes with the option, from the next kick on', () => {
    const { tracker } = setup({ kickByAddress: 'never' });
    tracker.updateConfig({ kickByAddress: 'always' });
    tracker.kick(must(request(tracker, {}).session).id);
    expect(mayRequest(tracker, { userAgent: 'other' })).toBe(false);
    expect(() => tracker.updateConfig({ kickByAddress: 'sometimes' as never })).toThrow(/"never", "connections"/);
  });
});

describe('a kicked viewer without a token, and a neighbour with the same player who has one', () => {
  const neighbour = { token: 'n', sid: 'other' };
  /** Both watch; the one without a token is kicked. */
  const both = (kicked: Partial<HttpHit>, options: TrackerOptions = {}) => {
    const { tracker } = setup(options);
    const mine = must(request(tracker, kicked).session);
    request(tracker, neighbour);
    request(tracker, neighbour);
    expect(live(tracker)).toHaveLength(2);
    tracker.kick(mine.id);
    return tracker;
  };

  it('is not let in as the neighbour, not even with a first request that has no sid yet', () => {
    const tracker = both({ sid: 'mine' });
    expect(refusal(now(tracker.admit(hit())))).toMatchObject({ by: 'kick' });
    expect(tracker.trackHttp(hit())).toBeNull();
    expect(mayRequest(tracker, { protocol: 'dash' })).toBe(false);
    expect(mayRequest(tracker, { sid: 'new' })).toBe(false);
    expect(mayRequest(tracker, { token: 'n' })).toBe(true);
    // the neighbour's own, without the token: it has a name all the same
    expect(mayRequest(tracker, { sid: 'other' })).toBe(true);
    expect(live(tracker)).toHaveLength(1);
  });

  it('is not let in as a neighbour who starts to use the same player later', () => {
    const { tracker } = setup();
    request(tracker, { token: 'n', userAgent: 'tv' });
    tracker.kick(must(request(tracker).session).id);
    expect(mayRequest(tracker, { token: 'n' })).toBe(true);
    expect(mayRequest(tracker)).toBe(false);
    expect(tracker.trackHttp(hit())).toBeNull();
    expect(live(tracker)).toHaveLength(1);
  });

  it('does not affect the neighbour when another player, stream or address is kicked', () => {
    for (const other of [{ userAgent: 'other' }, { stream: 'cam2' }, { ip: '203.0.113.8' }]) {
      const tracker = both(other);
      expect(mayRequest(tracker, {})).toBe(true);
      expect(live(tracker)).toHaveLength(1);
    }
  });

  it('does not affect nameless requests of the neighbour if the kicked viewer had a token', () => {
    const tracker = both({ token: 'k' });
    expect(mayRequest(tracker, {})).toBe(true);
    expect(mayRequest(tracker, { token: 'k' })).toBe(false);
  });

  it('counts as the neighbour again once the denial is lifted or over', () => {
    const tracker = both({ sid: 'mine' });
    tracker.liftDenial(must(tracker.denials()[0]).id);
    expect(mayRequest(tracker)).toBe(true);
    expect(live(tracker)).toHaveLength(1);
  });

  it('is refused even if policies admit viewers found by an alias', () => {
    const tracker = both(
      { sid: 'mine' },
      {
        policies: [{ name: 'p', stage: 'authorise', admit: () => ({ allow: true }) }],
        identity: { aliases: 'admit' },
      },
    );
    expect(mayRequest(tracker)).toBe(false);
    expect(mayRequest(tracker, { token: 'n' })).toBe(true);
  });
});
