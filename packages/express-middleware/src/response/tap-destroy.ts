/** Anything that can be destroyed: a socket, an HTTP/2 stream. */
interface Destroyable {
  destroy: (this: never, ...args: never[]) => unknown;
}

/** Calls `before` and `after` each time this socket or stream is destroyed, whoever does it. */
export function tapDestroy(target: Destroyable, before: () => void, after: () => void): void {
  const destroy = target.destroy as (this: unknown, ...args: unknown[]) => unknown;
  target.destroy = function (this: unknown, ...args: unknown[]) {
    before();
    const result = destroy.apply(this, args);
    after();
    return result;
  };
}
