import type { MediaSink, V2Session } from './shapes.js';

/**
 * Drops media for a player while too much is waiting for it. Returns functions that restore the server's own sink, and that shut
 * it.
 */
export function boundSink(
  session: V2Session,
  outlet: { readonly writableLength: number },
  maxBufferBytes: number,
): { restore(): void; shut(): void } {
  const sink = session.res;
  let full = false;
  let shut = false;
  const bounded: MediaSink = {
    behind: sink,
    cork: () => sink.cork(),
    uncork: () => sink.uncork(),
    write(data, ...rest) {
      full = outlet.writableLength > (full ? maxBufferBytes / 2 : maxBufferBytes);
      return full || shut ? false : sink.write(data, ...rest);
    },
    end: (...rest) => sink.end(...rest),
  };
  session.res = bounded;
  return {
    restore() {
      if (session.res === bounded) session.res = sink;
    },
    shut() {
      shut = true;
    },
  };
}
