import { connectionOptions, checkTimeout, LONGEST_TIMER_MS } from '../src/spi.js';
import { systemClock } from '../src/support/clock.js';
import { NO_CLOCK, NO_DURATION } from '../../../test/support/impossible.js';

const read = (options: object) => connectionOptions('attachIt()', options);
const BAD = expect.objectContaining({ code: 'ERR_BAD_OPTION' }) as Error;

it.each(NO_DURATION)('refuses a stallTimeoutMs of %p', (stallTimeoutMs) => {
  expect(() => read({ stallTimeoutMs })).toThrow(BAD);
});

it.each(NO_CLOCK)('refuses a clock that is %p', (clock) => {
  expect(() => read({ clock })).toThrow(BAD);
});

it('takes 0 for never, whatever a timer can wait for, and any clock', () => {
  expect(read({ stallTimeoutMs: 0, clock: systemClock })).toEqual({ stallTimeoutMs: 0, clock: systemClock });
  expect(read({ stallTimeoutMs: LONGEST_TIMER_MS })).toEqual({ stallTimeoutMs: LONGEST_TIMER_MS });
  expect(read({ stallTimeoutMs: undefined, clock: undefined })).toEqual({ stallTimeoutMs: 15_000 });
});

it('says which durations would do', () => {
  expect(() => checkTimeout('reloadMs', '5', 1)).toThrow('reloadMs must be milliseconds, 1 to 2147483647, not "5".');
});
