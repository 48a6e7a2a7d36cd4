import type { SessionDirectory, SessionTracker } from '@stream-sessions/core';

let answersLater = false;

/** From now on, directories answer with promises. */
export function answerLater(): void {
  answersLater = true;
}

/** What the API is made for: the tracker itself, or who answers for it a turn of the event loop later. */
export function directoryOf(tracker: SessionTracker): SessionDirectory {
  if (!answersLater) return tracker;
  const later =
    <Args extends unknown[], T>(ask: (...args: Args) => T) =>
    async (...args: Args): Promise<Awaited<T>> => {
      await new Promise((resolve) => setImmediate(resolve));
      return await ask(...args);
    };
  return {
    list: later((filter) => tracker.list(filter)),
    count: later((filter) => tracker.count(filter)),
    get: later((id) => tracker.get(id)),
    streams: later(() => tracker.streams()),
    stats: later(() => tracker.stats()),
    kick: later((id, options) => tracker.kick(id, options)),
    kickAll: later((filter, options) => tracker.kickAll(filter, options)),
    tag: later((id, tags) => tracker.tag(id, tags)),
    deny: later((target, options) => tracker.deny(target, options)),
    liftDenial: later((which) => tracker.liftDenial(which)),
    denials: later(() => tracker.denials()),
    explain: later((id) => tracker.explain(id)),
    invalidate: later((streams) => tracker.invalidate(streams)),
    reauthorize: later((target) => tracker.reauthorize(target)),
    on: (event, listener) => tracker.on(event, listener),
  };
}
