import { badOption, checkOptions } from '@stream-sessions/core/spi';

/** Options of everything that this package registers or serves. */
export interface MetricsOptions {
  /**
   * How many streams have a label of their own: those with the most sessions. The rest is the stream `other`. `false`: no
   * label names a stream. Default 100.
   */
  readonly streams?: number | false | undefined;
}

export const KNOWN: readonly string[] = ['streams'] satisfies readonly (keyof MetricsOptions)[];

const DEFAULT_STREAMS = 100;

/**
 * The number of streams that have a label of their own.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkedStreams(what: string, options: MetricsOptions, known = KNOWN): number | false {
  checkOptions(what, options, known);
  const { streams = DEFAULT_STREAMS } = options;
  if (streams === false || (Number.isInteger(streams) && streams > 0)) return streams;
  throw badOption('streams', 'a positive integer or false', streams);
}
