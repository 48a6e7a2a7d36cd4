import fc from 'fast-check';
import { createTracker, type DenialTarget, type Policy, type SessionTracker } from '../src/index.js';
import { fakeClock, type FakeClock } from '../src/testing/index.js';

const STREAMS = ['cam1', '__proto__'] as const;
const ADDRESSES = ['10.0.0.1', '2001:db8::5'] as const;

/** What an app may do at any time, also while it is told of something. */
const deed = fc.oneof(
  fc.record({ does: fc.constant('kick' as const), n: fc.nat(5), denyForMs: fc.constantFrom(0, 1_000) }),
  fc.record({
    does: fc.constant('deny' as const),
    target: fc.constantFrom<DenialTarget>({ ip: '10.0.0.0/8' }, { stream: 'cam1' }, { user: 'ann' }, { ip: '::/0' }),
  }),
  fc.record({ does: fc.constant('lift' as const), n: fc.nat(5) }),
  fc.record({ does: fc.constant('kickAll' as const), stream: fc.constantFrom(...STREAMS) }),
  fc.record({
    does: fc.constant('request' as const),
    stream: fc.constantFrom(...STREAMS),
    ip: fc.constantFrom(...ADDRESSES),
    userAgent: fc.constantFrom('a', 'b'),
    tentative: fc.boolean(),
    serves: fc.boolean(),
    ends: fc.boolean(),
  }),
  fc.record({ does: fc.constant('decide' as const) }),
  fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 31_000) }),
  { weight: 1, arbitrary: fc.record({ does: fc.constant('stop' as const) }) },
);
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never;

/** Everyone is ann, and every third newcomer takes the place of the first viewer in the list. */
function oneOutOfThree(tracker: () => SessionTracker): Policy {
  let asked = 0;
  const first = () =>
    tracker()
      .list({ status: 'active', limit: 1 })
      .map(({ id }) => id);
  return {
    name: 'every third',
    admit: () => ({ allow: true, userId: 'ann', ...(++asked % 3 === 0 && { replace: first }) }),
  };
}

/** `react`: what a transport does that is cut. */
function doIt(tracker: SessionTracker, clock: FakeClock, what: Deed, react: () => void): void {
  switch (what.does) {
    case 'kick': {
      const id = tracker.list()[what.n]?.id;
      return void (id === undefined || tracker.kick(id, { denyForMs: what.denyForMs }));
    }
    case 'deny':
      return void tracker.deny(what.target, { forMs: 1_000 });
    case 'lift': {
      const id = tracker.denials()[what.n]?.id;
      return void (id === undefined || tracker.liftDenial(id));
    }
    case 'kickAll':
      return void tracker.kickAll({ stream: what.stream });
    case 'request': {
      const { does: _does, serves, ends, ...hit } = what;
      const answer = tracker.admit({ ...hit, protocol: 'hls' });
      if ('then' in answer || !answer.admitted) return;
      answer.handle.onCut(() => {
        react();
        return 1;
      });
      if (serves) answer.handle.served();
      return ends ? answer.handle.end(10) : undefined;
    }
    case 'decide':
      return void tracker.invalidate();
    case 'wait':
      return clock.advance(what.ms);
    case 'stop':
      return void tracker.stop();
  }
}

it('keeps its books whatever listeners and transports do: who was told as opened is live, or was told as closed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 40 }), fc.array(deed, { maxLength: 40 }), async (deeds, reactions) => {
      const clock = fakeClock();
      const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: jest.fn() };
      const tracker: SessionTracker = createTracker({ clock, logger, policies: [oneOutOfThree(() => tracker)] });
      const open: string[] = [];
      const react = (): void => {
        const reaction = reactions.pop();
        // time does not pass while a listener runs
        if (reaction !== undefined && reaction.does !== 'wait') doIt(tracker, clock, reaction, react);
      };
      tracker.on('opened', ({ session }) => {
        open.push(session.id);
        react();
      });
      tracker.on('closed', ({ session }) => {
        open.splice(open.indexOf(session.id), 1);
        react();
      });
      tracker.on('changed', react);
      tracker.on('denied', react);
      const check = (): void => {
        const live = tracker.list({ status: 'active' }).map(({ id }) => id);
        expect(live.sort()).toEqual([...open].sort());
        expect(tracker.count({ status: 'active' })).toBe(live.length);
        // no two visits have one id and one time
        expect(tracker.list({ visits: 'all' })).toHaveLength(tracker.count({ visits: 'all' }));
        const { openedTotal, closedTotal, activeBy } = tracker.stats();
        expect(openedTotal - closedTotal).toBe(live.length);
        expect(activeBy.reduce((sum, { active }) => sum + active, 0)).toBe(live.length);
      };
      for (const what of deeds) {
        doIt(tracker, clock, what, react);
        check();
      }
      await tracker.stop();
      check();
      expect(open).toEqual([]);
      expect(logger.error).not.toHaveBeenCalled();
    }),
    { numRuns: 300 },
  );
});
