import type { PlaybackResponse } from '../connect.js';
import { callSoon } from './call-soon.js';
import type { Writing } from './writing.js';

/** The methods with which a handler begins a body. */
type Beginning = Writing & { flushHeaders: (this: PlaybackResponse) => void };

/**
 * Lets a handler begin a response that it never ends, and ends it where the body would begin: who asks only for the head would
 * otherwise wait for it for ever, and the handler would keep the response.
 */
export function headOnly(res: PlaybackResponse): void {
  const { end } = res as Writing;
  const finish = (): void => void (res.writableEnded || end.call(res));
  const methods: Beginning = {
    flushHeaders: finish,
    write(_chunk, encoding, callback) {
      callSoon(encoding, callback);
      finish();
      return true;
    },
    end(chunk, encoding, callback) {
      const done = [chunk, encoding, callback].find((each) => typeof each === 'function');
      return end.call(this, undefined, undefined, done);
    },
  };
  Object.assign(res, methods);
}
