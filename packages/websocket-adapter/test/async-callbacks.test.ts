import { createTracker } from '@stream-sessions/core';
import { Stage } from './support/stage.js';

it.each([
  ['stream', { stream: async () => 'cam1' }],
  ['stream', { stream: () => 7 }],
  ['hit', { hit: async (_request: unknown, hit: unknown) => hit }],
  ['hit', { hit: () => undefined }],
  ['trustProxy', { trustProxy: async () => false }],
])('a client is refused with 500 where %s returns what it must not: %p', async (_name, options) => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const stage = await Stage.start({ tracker: createTracker(), options: options as never });
  const client = stage.connect('/cam1', { headers: { 'x-forwarded-for': '203.0.113.9' } });
  await client.ended;
  expect([client.status, stage.tracker.count()]).toEqual([500, 0]);
  await stage.stop();
});
