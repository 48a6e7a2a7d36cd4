import type { ConnHandle, ConnHit, Limits, Policy } from '../src/index.js';
import { toWire } from '../src/wire/session.js';
import { conn, connect, must, now, refusal, request, setup, story } from './support/make.js';

/** Says of everybody what `limits` is. */
class Speed implements Policy {
  readonly name = 'speed';
  constructor(public limits: Limits | undefined) {}
  admit() {
    return { allow: true as const, ...(this.limits && { limits: this.limits }) };
  }
}

const MBIT = 125_000;
const start = (limits: Limits | undefined, over = {}) => {
  const policy = new Speed(limits);
  return { policy, ...setup({ policies: [policy], ...over }) };
};
type World = ReturnType<typeof start>;

/** Plays for some seconds, as the sampler would see it; when it was cut. */
function play({ clock }: World, handle: ConnHandle, seconds: number, mbits: number | ((second: number) => number)) {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    handle.touch(MBIT * (typeof mbits === 'number' ? mbits : mbits(second)));
    if (handle.signal.aborted) return second + 1;
  }
  return undefined;
}

describe('a viewer over a connection', () => {
  it('that takes more than its limit for ten seconds is cut, and stays out of that stream for a minute', () => {
    const world = start({ downMbits: 4 });
    const { tracker, clock } = world;
    const told = story(tracker);
    const viewer: Partial<ConnHit> = { remoteAddress: '10.0.0.1:1', userAgent: 'vlc' };
    const handle = connect(tracker, viewer);
    const { id } = must(handle.session);
    expect(play(world, handle, 30, 5)).toBeGreaterThanOrEqual(12);
    expect(clock.now() - must(tracker.get(id)).openedAt).toBeLessThanOrEqual(14_000);
    expect(handle.signal.reason).toBe('over_speed');
    expect(tracker.get(id)).toMatchObject({ closeReason: 'over_speed', closeDetail: '5 Mbit/s down, 4 allowed' });
    expect(told.at(-1)).toContain(`closed ${id} over_speed`);
    expect(refusal(now(tracker.admit(conn(viewer))))).toMatchObject({
      reason: 'over_speed',
      kind: 'limit',
      by: 'policy',
    });
    connect(tracker, { ...viewer, stream: 'other' });
    connect(tracker, { ...viewer, remoteAddress: '10.0.0.2:1' });
    clock.advance(60_001);
    connect(tracker, viewer);
  });

  it('may begin with a burst, and have short ones', () => {
    const world = start({ downMbits: 4 });
    // what the server has kept of the last seconds; then a key frame in each fourth second
    const mbits = (second: number) => (second === 0 ? 20 : second % 4 === 0 ? 9 : 2);
    expect(play(world, connect(world.tracker), 60, mbits)).toBeUndefined();
  });

  it('may go on after a pause', () => {
    const world = start({ downMbits: 4 });
    const handle = connect(world.tracker);
    expect(play(world, handle, 60, (second) => (second % 16 < 9 ? 5 : 0))).toBeUndefined();
  });

  it('is cut when bursts are too much on average', () => {
    const world = start({ downMbits: 4 });
    const mbits = (second: number) => (second % 4 === 0 ? 14 : 2);
    expect(play(world, connect(world.tracker), 60, mbits)).toBeLessThanOrEqual(16);
  });

  it('is measured by when bytes came, not by seconds of a clock', () => {
    const world = start({ downMbits: 4 });
    const handle = connect(world.tracker);
    // readings that are late and early in turns
    for (let i = 0; i < 60; i++) {
      const ms = i % 2 === 0 ? 1040 : 960;
      world.clock.advance(ms);
      handle.touch((MBIT * 3.95 * ms) / 1000);
    }
    expect(handle.signal.aborted).toBe(false);
    expect(must(handle.session).rateMbits).toBeCloseTo(3.95, 2);
  });

  it('is not judged if its adapter holds it to the limit', () => {
    const world = start({ downMbits: 4 });
    const handle = connect(world.tracker);
    handle.onLimits(() => undefined);
    expect(play(world, handle, 30, 5)).toBeUndefined();
  });

  it('is cut for a little more, too', () => {
    const world = start({ downMbits: 4 });
    expect(play(world, connect(world.tracker), 30, 4.2)).toBeLessThanOrEqual(16);
  });

  it('has ten seconds to get below a new limit', () => {
    const world = start({ downMbits: 8 });
    const handle = connect(world.tracker);
    expect(play(world, handle, 30, 5)).toBeUndefined();
    world.policy.limits = { downMbits: 4 };
    void world.tracker.invalidate();
    expect(play(world, handle, 30, 5)).toBeGreaterThanOrEqual(12);
  });

  it('is judged from when a limit is set during playback until it is lifted', () => {
    const world = start(undefined);
    const handle = connect(world.tracker);
    expect(play(world, handle, 20, 5)).toBeUndefined();
    world.policy.limits = { downMbits: 4 };
    void world.tracker.invalidate();
    expect(play(world, handle, 5, 5)).toBeUndefined();
    world.policy.limits = {};
    void world.tracker.invalidate();
    expect(play(world, handle, 60, 50)).toBeUndefined();
    expect(must(handle.session)).not.toMatchObject({ limits: expect.anything() as object });
  });
});

describe('a publisher', () => {
  it('that sends more than its limit for ten seconds is cut', () => {
    const world = start({ upMbits: 2, downMbits: 1 });
    const handle = connect(world.tracker, { kind: 'input' });
    const { id } = must(handle.session);
    for (let second = 0; second < 14; second++) {
      world.clock.advance(1000);
      handle.addReceived(MBIT * 2.5);
      handle.touch();
    }
    expect(world.tracker.get(id)).toMatchObject({ closeReason: 'over_speed', closeDetail: '2.5 Mbit/s up, 2 allowed' });
  });
});

describe('a viewer over HTTP', () => {
  it('is not cut for exceeding its limit: its responses are slowed down', () => {
    const { tracker, clock } = start({ downMbits: 4 });
    const handle = request(tracker);
    for (let second = 0; second < 30; second++) {
      clock.advance(1000);
      handle.touch(MBIT * 9);
    }
    expect(tracker.list()).toMatchObject([{ closedAt: undefined, rateMbits: expect.closeTo(9, 1) as number }]);
  });
});

describe('the rate of a session with a limit', () => {
  it('is that of the last ten seconds, on the wire too', () => {
    const world = start({ downMbits: 4, upMbits: 1 });
    const handle = connect(world.tracker);
    play(world, handle, 5, 2);
    expect(must(handle.session)).toMatchObject({ rateMbits: 2, limits: { downMbits: 4, upMbits: 1 } });
    play(world, handle, 20, 3);
    expect(toWire(must(handle.session))).toMatchObject({ rate_mbits: 3, limits: { down_mbits: 4, up_mbits: 1 } });
    world.clock.advance(5000);
    expect(must(handle.session).rateMbits).toBeCloseTo(1.5, 1);
    world.clock.advance(20_000);
    expect(must(handle.session).rateMbits).toBe(0);
  });

  it('counts a segment in the ten seconds in which it came', () => {
    const { tracker, clock } = start({ downMbits: 4 });
    const handle = request(tracker);
    handle.end(0);
    clock.advance(25_000);
    request(tracker).end(5 * MBIT);
    expect(tracker.list()[0]).toMatchObject({ rateMbits: 0.5 });
  });

  it('survives a clock that is set back', () => {
    const world = start({ downMbits: 4 });
    const handle = connect(world.tracker);
    play(world, handle, 20, 3);
    world.clock.jump(-3_600_000);
    play(world, handle, 20, 3);
    expect(must(handle.session).rateMbits).toBeCloseTo(3, 1);
  });

  it('is absent without a limit', () => {
    const { tracker } = start(undefined);
    const wire = toWire(must(request(tracker).session));
    expect('rate_mbits' in wire || 'limits' in wire).toBe(false);
  });
});

it.each([{ downMbits: 0 }, { upMbits: -1 }, { downMbits: NaN }, { downMbits: '4' }, 'fast'])(
  'an approval with the invalid limits %j is a refusal',
  (limits) => {
    const { tracker } = start(limits as Limits);
    expect(refusal(now(tracker.admit(conn())))).toMatchObject({ reason: 'policy_error' });
  },
);
