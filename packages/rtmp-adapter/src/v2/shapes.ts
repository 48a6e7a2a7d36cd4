import type { IncomingHttpHeaders } from 'node:http';
import type { EventEmitter } from 'node:events';
import type { NodeMediaServer } from '../media-server.js';
import type { FlvResponse, FlvWebSocket } from '../client/flv-responders.js';
import type { PingedWebSocket } from '../client/pings.js';
import type { Socket } from '../v4/shapes.js';

/** The object to which node-media-server 2 writes a player's media. */
export interface MediaSink {
  cork(): void;
  uncork(): void;
  write(data: Buffer, ...rest: unknown[]): unknown;
  end(...rest: unknown[]): unknown;
  /** What it stands in front of; the server's own stands in front of nothing. */
  readonly behind?: MediaSink;
}

interface Message {
  readonly header: { readonly type: number; readonly length: number; readonly stream_id?: number };
  readonly payload: Buffer | null;
}

interface CommonSession {
  readonly isStarting: boolean;
  readonly isIdling: boolean;
  playStreamPath: string;
  readonly playArgs: Record<string, string | string[] | undefined> | null;
  res: MediaSink;
  /** Joins the player to its publisher. On the prototype: an own property overrides it. */
  onStartPlay?: () => void;
}

export interface RtmpSession2 extends CommonSession {
  readonly TAG: 'rtmp';
  readonly socket: Socket;
  readonly connectCmdObj?: { readonly flashVer?: unknown };
  readonly appname: string;
  readonly playStreamId: number;
  readonly publishStreamId: number;
  readonly isPublishing: boolean;
  publishStreamPath: string;
  readonly publishArgs: Record<string, string | string[] | undefined>;
  /** The message that was just read. */
  parserPacket: Message;
  /** Handles it. On the prototype: an own property overrides it. */
  rtmpHandler?: () => unknown;
  sendStatusMessage: (streamId: number, level: string, code: string, description: string) => void;
  onPublish(asked: { readonly streamName: string }): void;
  /** Ends the session and releases its places at once. */
  reject: () => void;
}

export interface FlvSession2 extends CommonSession {
  readonly TAG: 'http-flv' | 'websocket-flv';
  stop: () => void;
  readonly req: EventEmitter & {
    readonly url?: string;
    readonly headers: IncomingHttpHeaders;
    readonly socket: Socket;
  };
}

export type V2Session = RtmpSession2 | FlvSession2;

export const isRtmp = (session: V2Session): session is RtmpSession2 => session.TAG === 'rtmp';

type FlvOutlet = FlvResponse & FlvWebSocket & PingedWebSocket;

/** The server's own, whatever attachments have put in front of it. */
export function responseOf(session: FlvSession2): FlvOutlet {
  let { res } = session;
  while (res.behind !== undefined) res = res.behind;
  return res as unknown as FlvOutlet;
}

export interface NodeMediaServer2 extends NodeMediaServer {
  getSession(id: string): V2Session | undefined;
}
