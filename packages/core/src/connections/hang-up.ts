/** How long a client that was told to go has to hang up by itself. Milliseconds. */
export const HANG_UP_MS = 500;

/** Destroys a transport when its client has had time to hang up by itself: one that does not read would keep it for ever. */
export function destroyLater(transport: { destroy(): unknown }, ms = HANG_UP_MS): void {
  setTimeout(() => transport.destroy(), ms).unref();
}
