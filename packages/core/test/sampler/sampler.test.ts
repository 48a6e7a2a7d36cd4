import { createTracker, type ConnHandle, type SessionTracker } from '../../src/index.js';
import { monotonic, Sampler, samplerOf, type ByteCounters, type Registration } from '../../src/spi.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';

let clock: FakeClock;
let tracker: SessionTracker;
let sampler: Sampler;
let cut: string[];

interface Line extends ByteCounters {
  out: number;
  in: number;
  queue: number;
  released: number;
}

function line(): Line {
  return {
    out: 0,
    in: 0,
    queue: 0,
    released: 0,
    sent() {
      return this.out;
    },
    received() {
      return this.in;
    },
    waiting() {
      return this.queue;
    },
    release() {
      this.released++;
    },
  };
}

function admitted(name = 'a'): ConnHandle {
  const asked = tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:5000', token: name });
  if ('then' in asked || !asked.admitted) throw new Error('it should have been admitted at once');
  return asked.handle;
}

function connect(
  counters: ByteCounters = line(),
  stallTimeoutMs?: number,
): { handle: ConnHandle; registration: Registration } {
  const handle = admitted();
  const registration = sampler.add({ handle, counters, stallTimeoutMs, destroy: (reason) => void cut.push(reason) });
  return { handle, registration };
}

const bytesOf = (handle: ConnHandle) => [handle.session?.bytes, handle.session?.bytesReceived];
const reasons = () => tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason);

beforeEach(() => {
  clock = fakeClock();
  tracker = createTracker({ clock, idleTimeoutMs: 5_000 });
  sampler = new Sampler(clock);
  cut = [];
});
afterEach(() => tracker.stop());

it('the sampler adds what the counters have moved in a second to the bytes of the session', () => {
  const counters = line();
  const { handle } = connect(counters);
  counters.out = 1000;
  counters.in = 30;
  clock.advance(1000);
  counters.out = 1500;
  clock.advance(1000);
  expect(bytesOf(handle)).toEqual([1500, 30]);
});

it('the sampler touches a quiet connection every second, even if nothing flowed', () => {
  const { handle } = connect();
  clock.advance(60_000);
  expect(handle.session?.closedAt).toBeUndefined();
  expect(tracker.count({ status: 'active' })).toBe(1);
});

it('the sampler adds nothing when a counter goes backwards, and nothing twice when it recovers', () => {
  const counters = line();
  const { handle } = connect(counters);
  for (const out of [1000, 400, 900, 1200, NaN]) {
    counters.out = out;
    clock.advance(1000);
  }
  expect(bytesOf(handle)).toEqual([1200, 0]);
});

it('the sampler reads the last bytes when the connection closes', () => {
  const counters = line();
  const { registration } = connect(counters);
  counters.out = 70;
  counters.in = 7;
  registration.close();
  registration.close('stalled');
  expect(tracker.list()).toEqual([
    expect.objectContaining({ closeReason: 'client_gone', bytes: 70, bytesReceived: 7 }),
  ]);
  expect([cut, counters.released]).toEqual([[], 1]);
});

it('the sampler cuts when the tracker ends the session, and then counts the last bytes as well', () => {
  const counters = line();
  const handle = admitted();
  const destroy = (reason: string) => {
    cut.push(reason);
    counters.out += 5;
  };
  sampler.add({ handle, counters, destroy });
  counters.out = 100;
  tracker.kick(handle.session!.id);
  expect(cut).toEqual(['kicked']);
  expect(tracker.list()).toEqual([expect.objectContaining({ closeReason: 'kicked', bytes: 105 })]);
  expect(counters.released).toBe(1);
});

it('when the tracker ends the session, the sampler counts its last second, without an updated event', () => {
  const updated: unknown[] = [];
  tracker.on('updated', (event) => updated.push(event));
  const counters = line();
  const { handle } = connect(counters);
  counters.in = 30;
  clock.advance(10_000);
  const told = updated.length;
  counters.in = 75;
  clock.advance(900);
  tracker.kick(handle.session!.id);
  expect(tracker.list({ status: 'closed' })[0]?.bytesReceived).toBe(75);
  handle.addReceived(5);
  expect([bytesOf(handle)[1], updated.length]).toEqual([75, told]);
});

it('the sampler cuts at once a connection that ended before it was registered', () => {
  const handle = admitted();
  tracker.kick(handle.session!.id);
  sampler.add({ handle, counters: line(), destroy: (reason) => void cut.push(reason) });
  expect(cut).toEqual(['kicked']);
  expect(clock.pending).toBe(1); // the tracker's own looks
});

describe('a player that does not take the media that is there', () => {
  it('is cut as stalled after 15 s', () => {
    const counters = line();
    connect(counters);
    counters.queue = 1;
    clock.advance(14_000);
    expect(cut).toEqual([]);
    clock.advance(2_000);
    expect([cut, reasons()]).toEqual([['stalled'], ['stalled']]);
  });

  it('is left alone while it takes a little', () => {
    const counters = line();
    connect(counters);
    counters.queue = 1_000_000;
    for (let i = 0; i < 10; i++) {
      counters.out++;
      clock.advance(10_000);
    }
    expect(cut).toEqual([]);
  });

  it('is left alone while there is no media for it: a silent source is not a stall', () => {
    connect();
    clock.advance(100_000);
    expect([cut, tracker.count({ status: 'active' })]).toEqual([[], 1]);
  });

  it('is cut after a configured time, or never', () => {
    const [short, never] = [line(), line()];
    connect(short, 3_000);
    connect(never, 0);
    short.queue = never.queue = 1;
    clock.advance(4_000);
    expect(cut).toEqual(['stalled']);
    clock.advance(100_000);
    expect(cut).toEqual(['stalled']);
  });

  it.each([-3_600_000, 3_500])('gets its full time, and no more, when the clock is set by %i ms', (ms) => {
    const counters = line();
    connect(counters, 3_000);
    clock.advance(2_000);
    counters.queue = 1;
    clock.advance(1_000);
    clock.jump(ms);
    clock.advance(1_000);
    expect(cut).toEqual([]);
    clock.advance(2_000);
    expect(cut).toEqual(['stalled']);
  });
});

describe('a client that its transport has not heard from for too long', () => {
  it('is cut as client_gone, even if stalls are not cut', () => {
    let isGone = false;
    const counters = { ...line(), isGone: () => isGone };
    connect(counters, 0);
    clock.advance(60_000);
    expect([cut, reasons()]).toEqual([[], []]);
    isGone = true;
    clock.advance(1_000);
    expect([cut, reasons(), counters.released]).toEqual([['client_gone'], ['client_gone'], 1]);
  });

  it('is checked once a second, after the bytes of that second were credited', () => {
    const seen: (readonly [number, number | undefined])[] = [];
    const counters = { ...line(), isGone: (now: number) => (seen.push([now, handle.session?.bytes]), false) };
    const { handle } = connect(counters);
    const start = monotonic(clock);
    counters.out = 100;
    clock.advance(2_000);
    expect(seen).toEqual([
      [start + 1_000, 100],
      [start + 2_000, 100],
    ]);
  });
});

it('the sampler has one timer for all connections, and none without connections', () => {
  const before = clock.pending;
  const all = Array.from({ length: 50 }, () => connect().registration);
  expect(clock.pending).toBe(before + 2); // and the tracker's own looks
  all.forEach((registration) => registration.close());
  expect(clock.pending).toBe(before + 1);
});

it('the sampler reads every connection once, even while some end in between', () => {
  const reads: number[] = [];
  const all: Registration[] = [];
  for (let i = 0; i < 6; i++) {
    const counters: ByteCounters = {
      sent: () => {
        reads.push(i);
        if (i === 3) all[1]?.close();
        return 0;
      },
    };
    all.push(connect(counters).registration);
  }
  clock.advance(1000);
  expect(new Set(reads)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  reads.length = 0;
  clock.advance(1000);
  expect([...reads].sort()).toEqual([0, 2, 3, 4, 5]);
});

it('the sampler is shared by all adapters that use the same clock', () => {
  expect(samplerOf(clock)).toBe(samplerOf(clock));
  expect(samplerOf()).toBe(samplerOf());
  expect(samplerOf(clock)).not.toBe(samplerOf());
});
