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
  const { end } = res as Writing;
  beforeHead(res, () => {
    for (const name of OF_THE_BODY) res.removeHeader(name);
  });
  const methods: Writing = {
    write(_chunk, encoding, callback) {
      callSoon(encoding, callback);
      return true;
    },
    end(chunk, encoding, callback) {
      const done = [chunk, encoding, callback].find((each) => typeof each === 'function');
      return end.call(this, undefined, undefined, done);
    },
  };
  Object.assign(res, methods);
}
