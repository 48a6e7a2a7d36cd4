import type { BodyCounter } from './body-counter.js';
import { sampler } from './sampler.js';
import type { ResponseSocket } from './response-socket.js';
import { tapDestroy } from './tap-destroy.js';

const QUEUE = Symbol('stream-sessions.responses');
type WithQueue = ResponseSocket & { [QUEUE]?: ResponseQueue };

/**
 * The counted responses in progress on one connection (HTTP/2: one stream), oldest first; nearly always one.
 *
 * They are kept here and not on the response, because with Express a property on a request or response costs more than everything
 * else together: Express sets the prototype of each, so V8 gives each a map of its own and copies that for every property.
 */
class ResponseQueue {
  first: BodyCounter | undefined = undefined;
  last: BodyCounter | undefined = undefined;
  /** Sent just now: listeners of `finish` and `close` may still ask for it. Not kept for long, because it holds a request. */
  private finished: BodyCounter | undefined = undefined;

  constructor(outlet: ResponseSocket) {
    // Once it is destroyed, what had been sent can no longer be told; HTTP/2 sends some of it only then.
    tapDestroy(
      outlet,
      () => this.each((body) => body.freeze()),
      () => this.each((body) => body.settle()),
    );
    // For responses queued behind another one of a pipeline, Node closes only the requests.
    outlet.on('close', () => {
      sampler.delete(this);
      this.each((body) => body.close());
    });
    sampler.add(this);
  }

  enter(body: BodyCounter): void {
    const { last } = this;
    body.previousInQueue = last;
    if (last === undefined) this.first = body;
    else last.nextInQueue = body;
    this.last = body;
    sampler.wake();
  }

  leave(body: BodyCounter): void {
    const { nextInQueue: next, previousInQueue: previous } = body;
    if (next === undefined) this.last = previous;
    else next.previousInQueue = previous;
    if (previous === undefined) this.first = next;
    else previous.nextInQueue = next;
    this.finished = body;
  }

  /** The newest is the usual result at the start, the oldest when a response has been sent. */
  find(message: unknown): BodyCounter | undefined {
    if (this.last?.belongsTo(message)) return this.last;
    let body = this.first;
    while (body !== undefined && !body.belongsTo(message)) body = body.nextInQueue;
    return body;
  }

  findFinished(message: unknown): BodyCounter | undefined {
    return this.finished?.belongsTo(message) ? this.finished : undefined;
  }

  sample(): boolean {
    const busy = this.first !== undefined || this.finished !== undefined;
    this.finished = undefined;
    this.each((body) => body.sample());
    return busy;
  }

  private each(tell: (body: BodyCounter) => void): void {
    for (let body = this.first; body !== undefined; body = body.nextInQueue) tell(body);
  }
}

/** Adds a response that is starting. */
export function enqueue(outlet: WithQueue, body: BodyCounter): void {
  (outlet[QUEUE] ??= new ResponseQueue(outlet)).enter(body);
}

/** Closes and removes a response that has been sent. */
export function finishResponse(outlet: WithQueue, message: unknown): void {
  const queue = outlet[QUEUE];
  const body = queue?.find(message);
  if (queue === undefined || body === undefined) return;
  queue.leave(body);
  body.sent();
}

/** The counter of this request or response while it is in progress. */
export const findResponse = (outlet: WithQueue, message: unknown): BodyCounter | undefined =>
  outlet[QUEUE]?.find(message);

/** The same, including a response that has just been sent. */
export const findRecent = (outlet: WithQueue, message: unknown): BodyCounter | undefined =>
  findResponse(outlet, message) ?? outlet[QUEUE]?.findFinished(message);
