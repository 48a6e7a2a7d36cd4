import { createTracker, type HttpHit, type SessionTracker } from '../src/index.js';
import { fakeClock, type FakeClock } from '../src/testing/index.js';

const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  stream: 'cam1',
  protocol: 'hls',
  ip: '203.0.113.7',
  userAgent: 'player/1.0',
  ...over,
});

describe('trackHttp', () => {
  let clock: FakeClock;
  let tracker: SessionTracker;
  beforeEach(() => {
    clock = fakeClock();
    tracker = createTracker({ clock });
  });
  afterEach(() => tracker.stop());

  it('opens a session with the first hit and counts its bytes', () => {
    const session = tracker.trackHttp(hit({ bytes: 100 }));
    expect(session).toMatchObject({
      stream: 'cam1',
      streams: ['cam1'],
      protocol: 'hls',
      kind: 'viewer',
      ip: '203.0.113.7',
      userAgent: 'player/1.0',
      bytes: 100,
      openedAt: clock.now(),
      startedAt: clock.now(),
      updatedAt: clock.now(),
      namedBy: 'fingerprint',
    });
    expect(session?.id).toMatch(/^[0-9a-f]{16}$/);
    expect(session?.userName).toBe(session?.id.slice(0, 8));
  });

  it('joins later hits, adds their bytes and moves updatedAt', () => {
    const first = tracker.trackHttp(hit({ bytes: 100 }));
    clock.advance(4_000);
    const second = tracker.trackHttp(hit({ bytes: 50 }));
    expect(second).toMatchObject({ id: first?.id, bytes: 150, updatedAt: clock.now(), durationMs: 4_000 });
    expect(tracker.count()).toBe(1);
  });

  it('sets startedAt only once bytes flow', () => {
    expect(tracker.trackHttp(hit())?.startedAt).toBeUndefined();
    clock.advance(1_000);
    expect(tracker.trackHttp(hit({ bytes: 1 }))?.startedAt).toBe(clock.now());
    clock.advance(1_000);
    expect(tracker.trackHttp(hit({ bytes: 1 }))?.startedAt).toBe(clock.now() - 1_000);
  });

  it('keeps the query, referer, secure and token of the first hit', () => {
    tracker.trackHttp(hit({ token: 'abc', query: 'a=1', referer: 'https://site/', secure: true }));
    const later = tracker.trackHttp(hit({ token: 'abc', query: 'b=2', referer: 'https://other/', secure: false }));
    expect(later).toMatchObject({ query: 'a=1', referer: 'https://site/', secure: true, namedBy: 'token' });
  });

  it('returns a copy that later hits do not change', () => {
    const first = tracker.trackHttp(hit({ bytes: 1 }));
    tracker.trackHttp(hit({ bytes: 1, protocol: 'dash' }));
    expect(first).toMatchObject({ bytes: 1, protocols: ['hls'] });
  });

  it.each([-5, NaN, Infinity, -Infinity])('counts %p bytes as 0', (bytes) => {
    expect(tracker.trackHttp(hit({ bytes }))).toMatchObject({ bytes: 0, startedAt: undefined });
  });

  it('tells two tokens behind one address apart and closes them when idle', () => {
    tracker.trackHttp(hit({ token: 'a' }));
    tracker.trackHttp(hit({ token: 'b' }));
    expect(tracker.count({ stream: 'cam1', status: 'active' })).toBe(2);
    clock.advance(30_000);
    expect(tracker.stats().active).toBe(2);
    clock.advance(1_000);
    expect(tracker.stats()).toMatchObject({ active: 0, idleClosedTotal: 2 });
    expect(tracker.list({ status: 'closed' }).map((session) => session.closeReason)).toEqual(['idle', 'idle']);
  });
});
