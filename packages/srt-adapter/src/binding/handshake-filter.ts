import type * as KoffiModule from 'koffi';
import { ADDRESS_BYTES } from './address.js';

type Koffi = typeof KoffiModule;

/** What is asked about a caller: 0 lets it go on, -1 turns it away. The address is a C `sockaddr`. */
export type Ask = (socket: number, address: Buffer, streamId: string) => 0 | -1;

/**
 * Puts a function of ours into the handshake of a listener's callers. A thread of libsrt runs into it, and waits there until
 * this thread has answered: whoever waits for that thread meanwhile, waits for ever.
 *
 * @returns what takes the function away, for when the listener is closed.
 */
export function screen(
  koffi: Koffi,
  setCallback: (listener: number, callback: bigint, tag: null) => number,
  listener: number,
  ask: Ask,
): () => void {
  const hook = (_tag: unknown, socket: number, _version: number, address: bigint, streamId: string | null): number => {
    try {
      // a copy: it is libsrt's memory
      return ask(socket, Buffer.from(new Uint8Array(koffi.view(address, ADDRESS_BYTES))), streamId ?? '');
    } catch {
      // C would take what comes out of an exception for 0, which is a yes
      return -1;
    }
  };
  const type = koffi.pointer(koffi.proto('int', ['void *', 'int', 'int', 'void *', 'str']));
  const callback = koffi.register(hook, type);
  setCallback(listener, callback, null);
  return () => koffi.unregister(callback);
}
