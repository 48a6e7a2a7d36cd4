/** How long a client that was told to go has to hang up on its own. Milliseconds. */
export const HANG_UP_MS = 500;

/**
 * Destroys a transport once its client has had time to hang up on its own: a client that does not read would keep it open for
 * ever.
 */
export function destroyLater(transport: { destroy(): unknown }, ms = HANG_UP_MS): void {
  setTimeout(() => transport.destroy(), ms).unref();
}
