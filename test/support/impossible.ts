/** What no duration can be: a settings file or an environment variable may well have one of them. */
export const NO_DURATION: readonly unknown[] = [null, '0', '5', [], -1, NaN, Infinity, 2 ** 31];

/** What no size of a buffer can be. */
export const NO_SIZE: readonly unknown[] = [null, '1000000', [1_000_000], 0, NaN, Infinity];

/** What no clock can be. */
export const NO_CLOCK: readonly unknown[] = [null, {}, Date, 1];
