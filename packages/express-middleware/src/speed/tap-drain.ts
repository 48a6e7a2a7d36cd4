import type { PlaybackResponse } from '../connect.js';

type Emit = (this: unknown, event: string | symbol, ...rest: unknown[]) => boolean;

/**
 * Calls `mayPass` for each `drain` that Node emits on a response: the socket has room again, which does not mean that its writer
 * may continue.
 *
 * @returns a function that emits a `drain` unconditionally, and one that ends the tap.
 */
export function tapDrain(res: PlaybackResponse, mayPass: () => boolean): { drain(): void; end(): void } {
  const target = res as unknown as { emit: Emit };
  const { emit } = target;
  let ended = false;
  const tap: Emit = function (event, ...rest) {
    if (event === 'drain' && !ended && !mayPass()) return false;
    return emit.call(this, event, ...rest);
  };
  target.emit = tap;
  return {
    drain: () => void emit.call(res, 'drain'),
    end: () => {
      ended = true;
      // if something else has tapped it since, this tap stays in the chain and does nothing
      if (target.emit === tap) delete (target as { emit?: Emit }).emit;
    },
  };
}
