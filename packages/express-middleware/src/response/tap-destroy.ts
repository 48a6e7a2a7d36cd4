/** Anything that can be destroyed: a socket, an HTTP/2 stream. */
interface Destroyable {
  destroy: (this: never, ...args: never[]) => unknown;
}

/** Calls `before` each time this socket or stream is about to be destroyed, whoever does it. */
export function tapDestroy(target: Destroyable, before: () => void): void {
  const destroy = target.destroy as (this: unknown, ...args: unknown[]) => unknown;
  target.destroy = function (this: unknown, ...args: unknown[]) {
    before();
    return destroy.apply(this, args);
  };
}
