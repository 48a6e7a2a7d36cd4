import { createTracker, type Limits, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createSrtServer, type SrtServer } from '../src/index.js';
import { Caller } from './support/caller.js';
import { pace, until } from '../../../test/support/until.js';

/** Of any media at all: a packet of the test's is a minute's worth. */
const VERY_SLOW = 0.0001;
let clock: FakeClock;
let tracker: SessionTracker;
let server: SrtServer;
let limits: Limits;
const clients: Caller[] = [];
const caller = (streamId: string) => {
  const made = new Caller(server.port, streamId);
  clients.push(made);
  return made;
};

beforeEach(async () => {
  clock = fakeClock(Date.now());
  limits = {};
  tracker = createTracker({ clock, policies: [{ name: 'speed', admit: () => ({ allow: true, limits }) }] });
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker, clock });
  (await caller('#!::r=live/cam1,m=publish').connects()).publish();
  await until('it is on air', () => tracker.stats().inputs === 1);
});
afterEach(async () => {
  const dropped = Promise.all(clients.splice(0).map((client) => client.drop()));
  await server.close();
  await tracker.stop();
  await dropped;
});

/** So many seconds, in each of which what is on the way arrives. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(1000);
    await pace(40);
  }
}

it('a player that takes more than its limit is cut', async () => {
  limits = { downMbits: VERY_SLOW };
  const player = caller('live/cam1');
  await until('it plays', () => player.received > 0 && tracker.stats().viewers === 1);
  await pass(10);
  expect(tracker.stats().viewers).toBe(1);
  await until('it is cut', async () => {
    await pass(1);
    return tracker.stats().viewers === 0;
  });
  expect(tracker.list({ kind: 'viewer' })).toMatchObject([{ closeReason: 'over_speed', limits }]);
  await until('its connection ends', () => player.ended);
});

it('a publisher that sends more than its limit is cut', async () => {
  limits = { upMbits: VERY_SLOW };
  await tracker.invalidate();
  await pass(10);
  expect(tracker.stats().inputs).toBe(1);
  await until('it is cut', async () => {
    await pass(1);
    return tracker.stats().inputs === 0;
  });
  expect(tracker.list({ kind: 'input' })).toMatchObject([{ closeReason: 'over_speed' }]);
});
