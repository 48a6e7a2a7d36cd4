import fc from 'fast-check';
import type { PlaySession, TrackerOptions } from '../src/index.js';
import { OpeningTimes } from '../src/registry/opening-times.js';
import { conn, eventsOf, hit, must, now, setup } from './support/make.js';

/** However few closed sessions are kept. */
const RETENTIONS: TrackerOptions[] = [
  {},
  { closedRetentionMs: 0 },
  { closedRetentionMax: 0 },
  { closedRetentionMax: 1 },
];

const visit = ({ id, openedAt }: PlaySession): string => `${id} ${openedAt}`;

describe.each(RETENTIONS)('a visit is (id, openedAt), with %j', (options) => {
  it('even for a viewer that is kicked and returns within a millisecond, repeatedly', () => {
    const { tracker } = setup(options);
    const opened = eventsOf(tracker, 'opened');
    for (let i = 0; i < 100; i++) {
      for (const token of ['a', 'b', undefined]) {
        tracker.kick(must(tracker.trackHttp(hit({ token }))).id, { denyForMs: 0 });
      }
      const { session, closer } = tracker.openConn(conn({ id: 'my own' }));
      if (i % 2 === 0) closer.close();
      else tracker.kick(must(session).id, { denyForMs: 0 });
    }
    expect(new Set(opened.map(({ session }) => visit(session))).size).toBe(400);
  });

  it('even for a viewer that is let in again while it is cut', () => {
    const { tracker } = setup(options);
    const opened = eventsOf(tracker, 'opened');
    const answer = now(tracker.admit(hit()));
    if (!answer.admitted) throw new Error('refused');
    answer.handle.onCut(() => {
      tracker.trackHttp(hit());
      return 0;
    });
    tracker.kick(must(answer.handle.session).id, { denyForMs: 0 });
    expect(new Set(opened.map(({ session }) => visit(session))).size).toBe(2);
  });

  it('whatever the clock does in between', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.constantFrom(0, 0, 0.25, 1, 5)), { maxLength: 60 }), (steps) => {
        const { tracker, clock } = setup(options);
        const opened = eventsOf(tracker, 'opened');
        for (const [viewer, ms] of steps) {
          const session = must(tracker.trackHttp(hit({ token: `t${viewer}` })));
          clock.advance(ms);
          if (ms !== 5) tracker.kick(session.id, { denyForMs: 0 });
        }
        const visits = opened.map(({ session }) => visit(session));
        expect(new Set(visits).size).toBe(visits.length);
      }),
    );
  });
});

it('the tracker remembers a bounded number of visits, and still tells all of them apart', () => {
  const times = new OpeningTimes();
  const seen = new Set<string>();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 10_000; i++) {
      const openedAt = times.next(`${i}`, 1_000);
      seen.add(`${i} ${openedAt}`);
      times.closed(`${i}`, openedAt, 1_000);
    }
  }
  expect(seen.size).toBe(20_000);
  const { latest } = times as unknown as { latest: Map<string, number> };
  expect(latest.size).toBeLessThanOrEqual(4_096);
  // and nothing of it when that moment has passed
  expect(times.next('1', 2_000)).toBe(2_000);
  times.closed('1', 2_000, 2_000);
  expect(latest.size).toBe(1);
});
