import { until } from '../../../test/support/until.js';
import { receiver } from './support/receiver.js';
import { cleanUp, stage, watch } from './support/stage.js';

afterEach(cleanUp);

it('a receiver that switches protocols has failed, and may take the next attempt', async () => {
  const to = await receiver();
  to.answer = (res) => res.writeHead(101, { connection: 'upgrade', upgrade: 'x' }).end();
  const { tracker, webhooks, clock } = await stage([{ url: to.url, name: 'hook', events: ['session.opened'] }]);
  expect(await webhooks.test('hook')).toEqual({ error: 'closed without an answer' });
  for (let n = 1; n <= 10; n++) watch(tracker, 'cam1', n);
  clock.advance(50);
  await until('all have failed once', () => webhooks.endpoints()[0]?.failed === 10);
  to.answer = (res) => res.writeHead(204).end();
  clock.advance(6_000);
  await until('all are delivered', () => webhooks.endpoints()[0]?.delivered === 10);
});
