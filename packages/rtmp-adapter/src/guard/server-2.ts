import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isRtmp, responseOf, type NodeMediaServer2, type RtmpSession2 } from '../v2/shapes.js';
import { isHeir } from '../v2/succession.js';
import { GopBound, type Gop } from './gop-bound.js';
import { hush } from './hush.js';
import type { Limits } from './limits.js';
import type { Role } from './rtmp-scanner.js';
import { capacityOf, hearFirst, trim, type ParserPackets, type Standing, type Standings } from './standing.js';

type Guarded = RtmpSession2 & {
  readonly isPlaying: boolean;
  readonly inPackets: ParserPackets;
  readonly rtmpGopCacheQueue: Gop;
  readonly flvGopCacheQueue: Gop;
};

class Standing2 implements Standing {
  private readonly gop: GopBound;

  constructor(
    private readonly session: Guarded,
    { maxGopBytes }: Limits,
  ) {
    const forget = (): void => {
      session.rtmpGopCacheQueue?.clear();
      session.flvGopCacheQueue?.clear();
    };
    this.gop = new GopBound(maxGopBytes, () => session.rtmpGopCacheQueue, forget);
  }

  get role(): Role {
    const { isPublishing, isPlaying, isIdling } = this.session;
    // A player that the adapter holds back will play, or be told why not.
    const plays = isPlaying || isIdling || Object.hasOwn(this.session, 'onStartPlay');
    return isPublishing || isHeir(this.session) ? 'publisher' : plays ? 'player' : undefined;
  }

  get heldBytes(): number {
    return capacityOf(this.session.inPackets);
  }

  grew(bytes: number): void {
    this.gop.grew(bytes);
  }
}

/** Notices sessions as they connect, or when they ask without having connected. */
export function standings2(nms: NodeMediaServer2, emitter: EventEmitter, limits: Limits): Standings {
  const all = new WeakMap<object, Standing>();
  const remove = hearFirst(emitter, ['preConnect', 'prePlay', 'prePublish'], (id: string, said: object | string) => {
    const session = nms.getSession(id);
    if (session === undefined || !isRtmp(session)) return;
    if (typeof said === 'object') trim(said);
    if (!all.has(session.socket)) all.set(session.socket, new Standing2(session as Guarded, limits));
  });
  return { of: (socket: Socket) => all.get(socket), remove };
}

/**
 * Ignores input from players over HTTP or WebSocket, because nobody publishes there. It also keeps such a player from crashing
 * the process when the server stops: the server has then forgotten the player, and fails when it leaves.
 */
export function guardFlv2(nms: NodeMediaServer2, emitter: EventEmitter): () => void {
  return hearFirst(emitter, ['prePlay'], (id: string) => {
    const session = nms.getSession(id);
    if (session === undefined || isRtmp(session)) return;
    hush(session.req, responseOf(session));
    const { stop } = session;
    session.stop = () => {
      try {
        stop.call(session);
      } catch {
        session.req.socket.destroy();
      }
    };
  });
}
