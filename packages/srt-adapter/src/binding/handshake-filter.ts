import type * as KoffiModule from 'koffi';
import { ADDRESS_BYTES } from './address.js';

type Koffi = typeof KoffiModule;

/** Decides about a caller: 0 lets it continue, -1 refuses it. The address is a C `sockaddr`. */
export type Ask = (socket: number, address: Buffer, streamId: string) => 0 | -1;

/**
 * Installs a callback in the handshake of a listener's callers. A thread of libsrt calls it and waits until this thread has
 * answered: anything here that waits for that thread meanwhile would deadlock.
 *
 * @returns a function that removes the callback, for when the listener is closed.
 */
export function screen(
  koffi: Koffi,
  setCallback: (listener: number, callback: bigint, tag: null) => number,
  listener: number,
  ask: Ask,
): () => void {
  const hook = (_tag: unknown, socket: number, _version: number, address: bigint, streamId: string | null): number => {
    try {
      // a copy, because it is libsrt's memory
      return ask(socket, Buffer.from(new Uint8Array(koffi.view(address, ADDRESS_BYTES))), streamId ?? '');
    } catch {
      // C would see the result of an exception as 0, which means yes
      return -1;
    }
  };
  const type = koffi.pointer(koffi.proto('int', ['void *', 'int', 'int', 'void *', 'str']));
  const callback = koffi.register(hook, type);
  setCallback(listener, callback, null);
  return () => koffi.unregister(callback);
}
