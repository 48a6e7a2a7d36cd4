import { IncomingMessage, ServerResponse } from 'node:http';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import type { Detaching, Writing } from './writing.js';
import { byPrototype } from '../by-prototype.js';

type ExpressResponse = Writing & Detaching;

/**
 * `express.response` of the Express that made this response: the object that all responses of its apps inherit from, which
 * Express offers for extension. Undefined without Express.
 */
export const expressResponse = byPrototype<PlaybackResponse, ExpressResponse | undefined>(
  (prototype) => below(ServerResponse.prototype, prototype, 'sendFile') as ExpressResponse | undefined,
);

/** `express.request`, likewise. */
export const expressRequest = byPrototype<PlaybackRequest, object | undefined>((prototype) =>
  below(IncomingMessage.prototype, prototype, 'accepts'),
);

/** The prototype directly below Node's own, if it looks like Express's. */
function below(nodes: object, from: object | null, mark: string): object | undefined {
  let lowest: object | null = null;
  let object = from;
  while (object !== null && object !== nodes) {
    lowest = object;
    object = Object.getPrototypeOf(object) as object | null;
  }
  return object === nodes && lowest !== null && Object.hasOwn(lowest, mark) ? lowest : undefined;
}
