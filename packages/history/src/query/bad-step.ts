import { StreamSessionsError } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';

/** The limit for `concurrency`: a month in steps of five minutes has 8,928 points. */
export const MAX_POINTS = 20_000;

/** There are no figures in such steps. Callers over HTTP are told the same in their own terms. */
export class BadStep extends StreamSessionsError {
  /** @param unitMs What the step must be a multiple of; undefined: it is, but there would be too many. */
  constructor(
    stepMs: number,
    readonly unitMs: number | undefined,
  ) {
    const expected =
      unitMs === undefined
        ? `so long that there are at most ${MAX_POINTS} steps`
        : `a multiple of ${unitMs} milliseconds`;
    super('ERR_BAD_OPTION', badOption('stepMs', expected, stepMs).message);
  }
}
