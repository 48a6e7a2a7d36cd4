import { fakeClock } from '@stream-sessions/core/testing';
import { Stage } from './support/stage.js';
import { until } from '../../../test/support/until.js';

it('a viewer that takes more than its limit is cut, and stays out', async () => {
  const clock = fakeClock(Date.now());
  // of any media at all
  const limits = { downMbits: 0.0001 };
  const stage = await Stage.start({
    tracker: { clock, policies: [{ name: 'speed', admit: () => ({ allow: true, limits }) }] },
    options: { clock },
  });
  const { tracker } = stage.sendsMedia();
  const client = stage.connect();
  await until('it plays', () => client.received > 0 && tracker.stats().viewers === 1);
  for (let second = 0; second < 15; second++) {
    expect(tracker.stats().viewers === 1 || second > 11).toBe(true);
    clock.advance(1000);
    const before = client.received;
    await until('it plays on', () => client.received > before || client.closed !== undefined);
  }
  expect(tracker.list()).toMatchObject([{ closeReason: 'over_speed', limits }]);
  await until('its connection ends', () => client.closed !== undefined);
  const again = stage.connect();
  await until('it is refused', () => again.status !== undefined || again.closed !== undefined);
  expect(again.received).toBe(0);
  await stage.stop();
});
