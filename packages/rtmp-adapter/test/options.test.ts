import { createTracker } from '@stream-sessions/core';
import { attachRtmp, guardNodeMediaServer, type NodeMediaServer } from '../src/index.js';
import { NO_CLOCK, NO_DURATION, NO_SIZE } from '../../../test/support/impossible.js';
import { startServer4 } from './support/server-4.js';

const BAD = expect.objectContaining({ code: 'ERR_BAD_OPTION' }) as Error;
const each = (values: readonly unknown[], ...names: string[]): object[] =>
  names.flatMap((name) => values.map((value) => ({ [name]: value })));

// options are looked at before the server
const nobody = {} as NodeMediaServer;

it.each([
  ...each(NO_DURATION, 'stallTimeoutMs', 'silenceTimeoutMs'),
  ...each(NO_SIZE, 'maxBufferBytes'),
  ...each(NO_CLOCK, 'clock'),
])('attachRtmp() refuses %p', (options) => {
  expect(() => attachRtmp(nobody, createTracker(), options)).toThrow(BAD);
});

it.each([...each(NO_DURATION, 'startTimeoutMs'), ...each(NO_SIZE, 'maxMessageBytes', 'maxGopBytes')])(
  'guardNodeMediaServer() refuses %p',
  (options) => {
    expect(() => guardNodeMediaServer(nobody, options)).toThrow(BAD);
  },
);

it('attachRtmp() says that it takes the server first', () => {
  const tracker = createTracker();
  expect(() => attachRtmp(tracker as never, {} as never)).toThrow(/the second argument must be a tracker/);
});

it('0 turns timeouts off', async () => {
  const server = await startServer4((nms) => {
    guardNodeMediaServer(nms, { startTimeoutMs: 0 });
    attachRtmp(nms, createTracker(), { stallTimeoutMs: 0, silenceTimeoutMs: 0 });
  });
  await server.stop();
});
