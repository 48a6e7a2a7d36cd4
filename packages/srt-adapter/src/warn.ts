import { StreamSessionsError } from '@stream-sessions/core';
import { warnOnce } from '@stream-sessions/core/spi';

const warn = warnOnce('The SRT adapter could not judge a caller, and cut it');

/** Reports an error while a caller was being judged: nobody may play without having been judged. */
export const warnOfFault = (error: unknown): void => warn(withoutWords(error));

/** The operator's functions get what a caller sent, and their errors may repeat it, as those of `JSON.parse` do. */
function withoutWords(error: unknown): Error {
  if (error instanceof StreamSessionsError) return error;
  const { name, stack } = error instanceof Error ? error : { name: `a ${typeof error} was thrown`, stack: '' };
  const where = (stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  const fault = new Error([name, ...where.slice(0, 1).map((line) => line.trim())].join(' '));
  fault.stack = [name, ...where].join('\n');
  return fault;
}

/** The length to which a stream's name is cut in a warning. */
const SHOWN = 64;

/** Makes the function that reports, once, a caller that was to play but sent media: a misconfigured encoder. */
export function modeWarner(): (stream: string) => void {
  let told = false;
  return (stream) => {
    if (told) return;
    told = true;
    const name = stream.slice(0, SHOWN);
    process.emitWarning(
      `An SRT caller sends media, and was cut: it asked to play "${name}", because it did not say m=publish. The stream id ` +
        `of an encoder is such as #!::r=live/${name},m=publish; for one that cannot send that, use the option streamId.`,
      { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_SRT_NOT_PUBLISHING' },
    );
  };
}
