import { createTracker, type ConnHandle, type SessionTracker } from '../../src/index.js';
import { Sampler, samplerOf, type Flow, type Sampled } from '../../src/spi.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';

let clock: FakeClock;
let tracker: SessionTracker;
let sampler: Sampler;
let severed: string[];

interface Line extends Flow {
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

function connect(flow: Flow = line(), stallTimeoutMs?: number): { handle: ConnHandle; sampled: Sampled } {
  const handle = admitted();
  const sampled = sampler.add({ handle, flow, stallTimeoutMs, sever: (reason) => void severed.push(reason) });
  return { handle, sampled };
}

const bytesOf = (handle: ConnHandle) => [handle.session?.bytes, handle.session?.bytesReceived];
const reasons = () => tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason);

beforeEach(() => {
  clock = fakeClock();
  tracker = createTracker({ clock, idleTimeoutMs: 5_000 });
  sampler = new Sampler(clock);
  severed = [];
});
afterEach(() => tracker.stop());

it('turns what the counters have moved since the last second into bytes of the session', () => {
  const flow = line();
  const { handle } = connect(flow);
  flow.out = 1000;
  flow.in = 30;
  clock.advance(1000);
  flow.out = 1500;
  clock.advance(1000);
  expect(bytesOf(handle)).toEqual([1500, 30]);
});

it('keeps a quiet connection present: it is touched every second, also when nothing flowed', () => {
  const { handle } = connect();
  clock.advance(60_000);
  expect(handle.session?.closedAt).toBeUndefined();
  expect(tracker.count({ status: 'active' })).toBe(1);
});

it('adds nothing when a counter goes backwards, and nothing twice when it comes back', () => {
  const flow = line();
  const { handle } = connect(flow);
  for (const out of [1000, 400, 900, 1200, NaN]) {
    flow.out = out;
    clock.advance(1000);
  }
  expect(bytesOf(handle)).toEqual([1200, 0]);
});

it('reads the last bytes when the connection closes', () => {
  const flow = line();
  const { sampled } = connect(flow);
  flow.out = 70;
  flow.in = 7;
  sampled.close();
  sampled.close('stalled');
  expect(tracker.list()).toEqual([
    expect.objectContaining({ closeReason: 'client_gone', bytes: 70, bytesReceived: 7 }),
  ]);
  expect([severed, flow.released]).toEqual([[], 1]);
});

it('severs when the tracker ends the session, and then counts the farewell too', () => {
  const flow = line();
  const handle = admitted();
  const sever = (reason: string) => {
    severed.push(reason);
    flow.out += 5;
  };
  sampler.add({ handle, flow, sever });
  flow.out = 100;
  tracker.kick(handle.session!.id);
  expect(severed).toEqual(['kicked']);
  expect(tracker.list()).toEqual([expect.objectContaining({ closeReason: 'kicked', bytes: 105 })]);
  expect(flow.released).toBe(1);
});

it('counts what came in since the last second when the tracker ends the session, and tells nobody of a change', () => {
  const updated: unknown[] = [];
  tracker.on('updated', (event) => updated.push(event));
  const flow = line();
  const { handle } = connect(flow);
  flow.in = 30;
  clock.advance(10_000);
  const told = updated.length;
  flow.in = 75;
  clock.advance(900);
  tracker.kick(handle.session!.id);
  expect(tracker.list({ status: 'closed' })[0]?.bytesReceived).toBe(75);
  handle.addReceived(5);
  expect([bytesOf(handle)[1], updated.length]).toEqual([75, told]);
});

it('severs at once what was ended before it was handed over', () => {
  const handle = admitted();
  tracker.kick(handle.session!.id);
  sampler.add({ handle, flow: line(), sever: (reason) => void severed.push(reason) });
  expect(severed).toEqual(['kicked']);
  expect(clock.pending).toBe(1); // the tracker's own looks
});

describe('a player that does not take the media there is', () => {
  it('is cut as stalled after 15 s', () => {
    const flow = line();
    connect(flow);
    flow.queue = 1;
    clock.advance(14_000);
    expect(severed).toEqual([]);
    clock.advance(2_000);
    expect([severed, reasons()]).toEqual([['stalled'], ['stalled']]);
  });

  it('is let be while it takes a little', () => {
    const flow = line();
    connect(flow);
    flow.queue = 1_000_000;
    for (let i = 0; i < 10; i++) {
      flow.out++;
      clock.advance(10_000);
    }
    expect(severed).toEqual([]);
  });

  it('is let be while there is nothing for it: a silent source is no stall', () => {
    connect();
    clock.advance(100_000);
    expect([severed, tracker.count({ status: 'active' })]).toEqual([[], 1]);
  });

  it('is cut after another time, or never', () => {
    const [short, never] = [line(), line()];
    connect(short, 3_000);
    connect(never, 0);
    short.queue = never.queue = 1;
    clock.advance(4_000);
    expect(severed).toEqual(['stalled']);
    clock.advance(100_000);
    expect(severed).toEqual(['stalled']);
  });

  it('is given its time anew when the clock is set back', () => {
    const flow = line();
    connect(flow);
    flow.queue = 1;
    clock.jump(-3_600_000);
    clock.advance(17_000);
    expect(severed).toEqual(['stalled']);
  });
});

describe('a client that its transport has not heard of for too long', () => {
  it('is severed as client_gone, also where nobody stalls', () => {
    let isGone = false;
    const flow = { ...line(), isGone: () => isGone };
    connect(flow, 0);
    clock.advance(60_000);
    expect([severed, reasons()]).toEqual([[], []]);
    isGone = true;
    clock.advance(1_000);
    expect([severed, reasons(), flow.released]).toEqual([['client_gone'], ['client_gone'], 1]);
  });

  it('is asked about once a second, after the bytes of that second were credited', () => {
    const seen: (readonly [number, number | undefined])[] = [];
    const flow = { ...line(), isGone: (now: number) => (seen.push([now, handle.session?.bytes]), false) };
    const { handle } = connect(flow);
    const start = clock.now();
    flow.out = 100;
    clock.advance(2_000);
    expect(seen).toEqual([
      [start + 1_000, 100],
      [start + 2_000, 100],
    ]);
  });
});

it('has one timer for all, and none when there are none', () => {
  const before = clock.pending;
  const all = Array.from({ length: 50 }, () => connect().sampled);
  expect(clock.pending).toBe(before + 2); // and the tracker's own looks
  all.forEach((sampled) => sampled.close());
  expect(clock.pending).toBe(before + 1);
});

it('reads every connection once, also while some end in between', () => {
  const reads: number[] = [];
  const all: Sampled[] = [];
  for (let i = 0; i < 6; i++) {
    const flow: Flow = {
      sent: () => {
        reads.push(i);
        if (i === 3) all[1]?.close();
        return 0;
      },
    };
    all.push(connect(flow).sampled);
  }
  clock.advance(1000);
  expect(new Set(reads)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  reads.length = 0;
  clock.advance(1000);
  expect([...reads].sort()).toEqual([0, 2, 3, 4, 5]);
});

it('is one for all who use the same clock', () => {
  expect(samplerOf(clock)).toBe(samplerOf(clock));
  expect(samplerOf()).toBe(samplerOf());
  expect(samplerOf(clock)).not.toBe(samplerOf());
});
