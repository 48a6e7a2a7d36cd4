import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { RtspClient } from './support/rtsp-client.js';
import { until } from '../../../test/support/until.js';

const HOUR = 3_600_000;

let clock: FakeClock;
let server: RtspServer;
let client: RtspClient;

beforeEach(async () => {
  clock = fakeClock();
  server = createRtspServer({ clock, startTimeoutMs: 10_000 });
  client = new RtspClient((await server.listen(0, '127.0.0.1')).port);
  expect((await client.ask('OPTIONS', '*')).status).toBe(200);
});

afterEach(async () => {
  client.drop();
  await server.close();
});

it('a clock that is set forward does not end a connection that has just come', async () => {
  clock.jump(HOUR);
  clock.advance(5_000);
  expect((await client.ask('OPTIONS', '*')).status).toBe(200);
});

it('a clock that is set back gives nobody an hour more to begin', async () => {
  clock.jump(-HOUR);
  clock.advance(11_000);
  await until('it is hung up on', () => client.ended);
});
