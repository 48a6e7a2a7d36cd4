import { createTracker, type Limits, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { RtspClient } from './support/rtsp-client.js';
import { pace, until } from '../../../test/support/until.js';

/** Of any media at all: a packet of the test's is a minute's worth. */
const VERY_SLOW = 0.0001;
let clock: FakeClock;
let tracker: SessionTracker;
let server: RtspServer;
let limits: Limits;
const clients: RtspClient[] = [];
const client = (over: 'tcp' | 'udp') => {
  const made = new RtspClient(server.address()!.port, { over });
  clients.push(made);
  return made;
};

beforeEach(async () => {
  clock = fakeClock(Date.now());
  limits = {};
  tracker = createTracker({ clock, policies: [{ name: 'speed', admit: () => ({ allow: true, limits }) }] });
  server = createRtspServer({ tracker, clock });
  await server.listen(0, '127.0.0.1');
  await client('tcp').publish('/live/cam1');
});
afterEach(async () => {
  clients.splice(0).forEach((each) => each.drop());
  await server.close();
  await tracker.stop();
});

/** So many seconds, in each of which what is on the way arrives. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(1000);
    await pace(10);
  }
}

it.each(['tcp', 'udp'] as const)('a player over %s that takes more than its limit is cut', async (over) => {
  limits = { downMbits: VERY_SLOW };
  const player = client(over);
  await player.play('/live/cam1');
  await until('it plays', () => player.mediaBytes > 0 && tracker.stats().viewers === 1);
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
