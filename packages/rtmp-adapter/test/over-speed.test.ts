import { createTracker, type Limits, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { attachRtmp, type Attachment } from '../src/index.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer4, type Server4 } from './support/server-4.js';
import { pace, until } from '../../../test/support/until.js';

/** Of any media at all: a packet of the test's is a minute's worth. */
const VERY_SLOW = 0.0001;
let clock: FakeClock;
let tracker: SessionTracker;
let server: Server4;
let attachment: Attachment;
let limits: Limits;
const clients: { drop(): void }[] = [];
const noted = <T extends { drop(): void }>(client: T): T => {
  clients.push(client);
  return client;
};
const publish = () => noted(new RtmpClient(server.rtmp)).publish('cam1');

beforeEach(async () => {
  clock = fakeClock(Date.now());
  limits = {};
  tracker = createTracker({ clock, policies: [{ name: 'speed', admit: () => ({ allow: true, limits }) }] });
  server = await startServer4((nms) => (attachment = attachRtmp(nms, tracker, { clock })));
  await publish();
  await until('it is on air', () => tracker.stats().inputs === 1);
});
afterEach(async () => {
  clients.splice(0).forEach((client) => client.drop());
  await attachment.detach();
  await server.stop();
  await tracker.stop();
});

/** So many seconds, in each of which what is on the way arrives. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(1000);
    await pace(10);
  }
}

const PLAYERS = {
  RTMP: () => noted(new RtmpClient(server.rtmp)).play('cam1'),
  'HTTP-FLV': () => noted(new HttpFlvClient(server.http, '/live/cam1.flv')),
  'WS-FLV': () => noted(new WsFlvClient(server.http, '/live/cam1.flv')),
};

it.each(Object.entries(PLAYERS))('a player over %s that takes more than its limit is cut', async (_protocol, play) => {
  limits = { downMbits: VERY_SLOW };
  const player = await play();
  await until('it plays', () => tracker.stats().viewers === 1);
  await pass(10);
  expect(tracker.stats().viewers).toBe(1);
  await until('it is cut', async () => {
    await pass(1);
    return tracker.stats().viewers === 0;
  });
  expect(tracker.list({ kind: 'viewer' })).toMatchObject([{ closeReason: 'over_speed', limits }]);
  await until('its connection ends', () => player.ended);
  expect(tracker.denials()).toMatchObject([{ reason: 'over_speed', kind: 'limit' }]);
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
