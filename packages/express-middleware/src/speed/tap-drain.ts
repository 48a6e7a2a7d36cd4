import type { PlaybackResponse } from '../connect.js';

type Emit = (this: unknown, event: string | symbol, ...rest: unknown[]) => boolean;

/**
 * Asks `mayPass` about each `drain` of a response that Node emits: the socket has room again, which does not mean that its
 * writer may go on.
 *
 * @returns emits one that nobody is asked about; and ends it.
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
      // somebody may have tapped it after this: then it stays in the chain, and does nothing
      if (target.emit === tap) delete (target as { emit?: Emit }).emit;
    },
  };
}
