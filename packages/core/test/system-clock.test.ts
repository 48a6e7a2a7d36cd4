import { systemClock } from '../src/support/clock.js';
import { stays } from '../src/testing/until.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a timer of 0 ms of the wall clock', () => {
  it('fires in the same turn of the event loop, not a millisecond later', async () => {
    let fired = 0;
    const again = () => {
      if (++fired < 100) systemClock.setTimeout(again, 0);
    };
    systemClock.setTimeout(again, 0);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(fired).toBe(100);
  });

  it('can be cancelled, like other timers', async () => {
    let fired = 0;
    for (const ms of [0, 1]) systemClock.clearTimeout(systemClock.setTimeout(() => fired++, ms));
    systemClock.clearTimeout(undefined);
    await stays('none of them fires', () => fired === 0, 20);
  });
});
