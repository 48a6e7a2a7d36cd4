import type { DenialTarget, SessionFilter, SessionTracker, TrackerOptions } from '../src/index.js';
import { connect, eventsOf, live, request } from './support/make.js';
import { Processes } from './support/restarts.js';

const STREAMS = ['cam1', 'a "quoted" \\ cam', 'café/\u2028'];
const AGENTS = ['player/1.0', 'VLC "3"\\', 'ünï/1'];
const ADDRESSES = ['203.0.113.7', '203.0.113.70', '2001:db8:1:2::7', '2001:db8:1:3::7'];
const options: TrackerOptions = { fingerprintKey: 'the same in both processes' };

/** Viewers of all sorts: of each stream, with each player, from each address, with tokens, users, tags or none of them. */
function watch(tracker: SessionTracker): void {
  for (const [s, stream] of STREAMS.entries()) {
    for (const [a, userAgent] of AGENTS.entries()) {
      for (const [n, ip] of ADDRESSES.entries()) {
        const given = (s + a + n) % 3;
        const named = given === 0 ? { token: `t${s}${a}` } : given === 1 ? { userId: `user "${n}" ü` } : {};
        const { session } = request(tracker, { stream, userAgent, ip, ...named });
        if (session !== undefined && n === 1) tracker.tag(session.id, { 'plan "x"': 'gold' });
      }
    }
    connect(tracker, {
      stream,
      remoteAddress: `${ADDRESSES[0] as string}:5000`,
      userId: 'publisher',
      kind: 'input',
    });
  }
}

/** Those who are closed by it, of viewers who wait, and of the same viewers while they watch. */
async function closedBy(order: (tracker: SessionTracker) => unknown): Promise<{ waiting: string[]; live: string[] }> {
  const processes = new Processes(options);
  try {
    const first = await processes.start();
    watch(first);
    await processes.kill(first);
    const second = await processes.start();
    const [waiting, watching] = [second, first].map((tracker) => {
      const closed = eventsOf(tracker, 'closed');
      order(tracker);
      return closed.map(({ session }) => session.id).sort();
    });
    expect(second.stats().waiting + second.stats().closedTotal).toBe(live(first).length + (watching?.length ?? 0));
    return { waiting: waiting ?? [], live: watching ?? [] };
  } finally {
    await processes.end();
  }
}

describe('an order of the operator applies to visits that wait as well as to live ones', () => {
  const targets: DenialTarget[] = [
    ...STREAMS.map((stream) => ({ stream })),
    ...AGENTS.map((userAgent) => ({ userAgent })),
    ...ADDRESSES.map((ip) => ({ ip })),
    { ip: '203.0.113.0/24' },
    { ip: '2001:db8:1::/48' },
    { token: 't00' },
    { user: 'user "1" ü' },
    { user: 'user "1" ü', stream: 'cam1' },
    { protocol: 'rtmp' },
  ];
  it.each(targets)('deny(%j)', async (target) => {
    const closed = await closedBy((tracker) => tracker.deny(target));
    expect(closed.live.length).toBeGreaterThan(0);
    expect(closed.waiting).toEqual(closed.live);
  });

  const filters: SessionFilter[] = [
    ...STREAMS.map((stream) => ({ stream })),
    { user: 'user "2" ü' },
    { user: 'publisher' },
    { ip: '2001:db8:1:2::7' },
    { kind: 'input' },
    { protocol: 'hls' },
    { tag: 'plan "x"=gold' },
    { search: 'VLC' },
  ];
  it.each(filters)('kickAll(%j)', async (filter) => {
    const closed = await closedBy((tracker) => tracker.kickAll(filter));
    expect(closed.live.length).toBeGreaterThan(0);
    expect(closed.waiting).toEqual(closed.live);
  });
});
