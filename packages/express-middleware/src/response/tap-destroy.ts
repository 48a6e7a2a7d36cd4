const TAPPED = Symbol('stream-sessions.tapped');

/** What can be destroyed: a socket, an HTTP/2 stream. */
interface Destroyable {
  destroy: (this: never, ...args: never[]) => unknown;
}

/**
 * Calls `before` each time this socket or stream is about to be destroyed, whoever does it: afterwards nobody can tell
 * any more what it had sent. Once per socket, however many responses it carries.
 */
export function tapDestroy(target: Destroyable & { [TAPPED]?: true }, before: (this: unknown) => void): void {
  if (target[TAPPED] === true) return;
  target[TAPPED] = true;
  const destroy = target.destroy as (this: unknown, ...args: unknown[]) => unknown;
  target.destroy = function (this: unknown, ...args: unknown[]) {
    before.call(this);
    return destroy.apply(this, args);
  };
}
