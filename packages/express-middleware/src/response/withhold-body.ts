import type { PlaybackResponse } from '../connect.js';
import { callSoon } from './call-soon.js';
import type { Writing } from './writing.js';
import { beforeHead } from './head.js';

/** Headers that describe a body that is not sent. */
const OF_THE_BODY = ['Content-Length', 'Content-Encoding', 'Transfer-Encoding', 'Content-Range', 'Trailer'];

/**
 * Lets a handler respond as it likes, but sends only the head: the response to a preflight needs no body, and a handler that
 * ignores the method would send media in it.
 */
export function withholdBody(res: PlaybackResponse): void {
  withholdBodyHeaders(res);
  dropBody(res, () => undefined);
}

/** Sends no header that would announce a body. */
export function withholdBodyHeaders(res: PlaybackResponse): void {
  beforeHead(res, () => {
    for (const name of OF_THE_BODY) res.removeHeader(name);
  });
}

/**
 * Lets a handler begin a response that it never ends, and ends it where the body would begin: who asks only for the head would
 * otherwise wait for it for ever, and the handler would keep the response.
 */
export function headOnly(res: PlaybackResponse): void {
  const { end } = res as Writing;
  const finish = (): void => void (res.writableEnded || end.call(res));
  Object.assign(res, { flushHeaders: finish });
  dropBody(res, finish);
}

/** @param onPiece Called for each piece of the body, instead of sending it. */
function dropBody(res: PlaybackResponse, onPiece: () => void): void {
  const { end } = res as Writing;
  const methods: Writing = {
    write(_chunk, encoding, callback) {
      callSoon(encoding, callback);
      onPiece();
      return true;
    },
    end(chunk, encoding, callback) {
      const done = [chunk, encoding, callback].find((each) => typeof each === 'function');
      return end.call(this, undefined, undefined, done);
    },
  };
  Object.assign(res, methods);
}
