import fc from 'fast-check';
import type { SessionTracker, StreamSummary } from '../src/index.js';
import { streamToWire } from '../src/spi.js';
import { hit, letIn, now, setup } from './support/make.js';

const past = (tracker: SessionTracker): Record<string, number> =>
  Object.fromEntries(tracker.streams().map(({ stream, dvr }) => [stream, dvr]));

describe('a viewer who does not watch live', () => {
  it('is dvr from the hit that says so until a hit says live', () => {
    const { tracker } = setup();
    const dvrAfter = (dvr: boolean | undefined) => tracker.trackHttp(hit({ dvr }))?.dvr;
    expect([undefined, true, undefined, false, undefined, true].map(dvrAfter)).toEqual([
      false, // the first says nothing
      true,
      true, // a segment of the past
      false,
      false,
      true,
    ]);
    expect(tracker.list()).toHaveLength(1);
  });

  it('is marked in the next updated event, and in closed', () => {
    const { tracker, clock } = setup({ updateIntervalMs: 1000 });
    const seen: unknown[] = [];
    tracker.on('updated', ({ session }) => seen.push(session.dvr));
    tracker.on('closed', ({ session }) => seen.push(session.dvr));
    tracker.trackHttp(hit());
    clock.advance(2000);
    tracker.trackHttp(hit({ dvr: true }));
    clock.advance(2000);
    tracker.kickAll({ dvr: true });
    expect(seen.slice(-2)).toEqual([true, true]);
  });

  it('is found by the filter, live and closed', () => {
    const { tracker } = setup();
    for (const [token, dvr] of [['a', true], ['b', false], ['c', undefined]] as const) tracker.trackHttp(hit({ token, dvr })); // prettier-ignore
    expect([tracker.count({ dvr: true }), tracker.count({ dvr: false })]).toEqual([1, 2]);
    expect(tracker.kickAll({ dvr: true })).toBe(1);
    expect(tracker.list({ dvr: true })).toMatchObject([{ closeReason: 'kicked' }]);
    expect(tracker.count({ dvr: true, status: 'active' })).toBe(0);
    expect(tracker.kickAll({ dvr: false })).toBe(2); // a filter that says something
  });

  it.each(['true', 1, null])('is refused as a filter of %p', (dvr) => {
    expect(() => setup().tracker.count({ dvr: dvr as unknown as boolean })).toThrow(/dvr must be true or false/);
  });

  it('is counted separately in the figures of the stream; a publisher never is', () => {
    const { tracker } = setup();
    tracker.trackHttp(hit({ token: 'a', dvr: true }));
    tracker.trackHttp(hit({ token: 'b' }));
    tracker.trackHttp(hit({ token: 'c', dvr: true, kind: 'input' }));
    expect(tracker.streams()).toMatchObject([{ viewers: 2, dvr: 1, inputs: 1 }]);
    expect(streamToWire(tracker.streams()[0] as StreamSummary)).toMatchObject({ viewers: 2, dvr: 1 });
  });

  it('is not changed by a value that is neither true nor false', () => {
    const { tracker } = setup();
    tracker.trackHttp(hit({ dvr: true }));
    for (const dvr of [1, 'false', 0, null]) tracker.trackHttp(hit({ dvr: dvr as unknown as boolean }));
    expect(past(tracker)).toEqual({ cam1: 1 });
  });
});

describe('the number of dvr viewers of each stream', () => {
  const STREAMS = Array.from({ length: 20 }, (_, i) => `cam${i}`);
  const step = fc.record({
    what: fc.constantFrom('hit', 'hit', 'hit', 'hit', 'ask', 'serve', 'kick', 'wait', 'stop tracking'),
    who: fc.constantFrom('a', 'b', 'c'),
    stream: fc.constantFrom(...STREAMS),
    dvr: fc.constantFrom(true, false, undefined),
    kind: fc.constantFrom('viewer', 'viewer', 'viewer', 'input'),
  } as const);

  it.each([
    ['one each', ['stream', 'ip', 'token']],
    ['several each', ['ip', 'token']],
  ] as const)('equals what a scan of all sessions finds, with streams: %s', (_name, viewer) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const { tracker, clock } = setup({ identity: { viewer }, deniedRetentionMs: 0, idleTimeoutMs: 3000 });
        const waiting: { served(): void }[] = [];
        for (const { what, who, stream, dvr, kind } of steps) {
          const seen = hit({ token: who, stream, dvr, kind });
          if (what === 'hit') tracker.trackHttp(seen);
          else if (what === 'ask') waiting.push(letIn(now(tracker.admit({ ...seen, tentative: true }))));
          else if (what === 'serve') waiting.shift()?.served();
          else if (what === 'kick') tracker.kickAll({ stream }, { denyForMs: 0 });
          else if (what === 'wait') clock.advance(1500);
          else {
            tracker.updateConfig({ enabled: false });
            tracker.updateConfig({ enabled: true });
          }
          const all = tracker.list({ status: 'active', kind: 'viewer', dvr: true });
          for (const { stream: code, dvr: counted, viewers } of tracker.streams()) {
            const found = all.filter(({ streams }) => streams.includes(code)).length;
            if (found !== counted) throw new Error(`${what} ${code}: ${counted} of ${viewers}, and there are ${found}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
