import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CountedSocket } from '@stream-sessions/core/spi';
import type { FlvResponse, FlvWebSocket } from '../client/flv-responders.js';
import type { PingedHttp2Session, PingedWebSocket } from '../client/pings.js';

/** A TCP or TLS socket. */
export type Socket = Duplex &
  CountedSocket & { readonly remoteAddress?: string; setKeepAlive(on: boolean, afterMs: number): unknown };

/** The part of node-media-server 4 that connects a stream's publisher to its players. */
export interface Broadcast {
  publisher: V4Session | null;
  readonly subscribers: Map<string, unknown>;
  readonly flvHeader: Buffer;
  readonly flvMetaData: Buffer | null;
  readonly flvAudioHeader: Buffer | null;
  readonly flvVideoHeader: Buffer | null;
  flvGopCache: Set<Buffer> | null;
  readonly rtmpMetaData: Buffer | null;
  readonly rtmpAudioHeader: Buffer | null;
  readonly rtmpVideoHeader: Buffer | null;
  rtmpGopCache: Set<Buffer> | null;
  donePublish(session: V4Session): void;
  _destroyIfEmpty?(): void;
}

/** One audio, video or data packet of a publisher. */
export interface Packet {
  readonly size: number;
  readonly data: Buffer;
}

type OnPacket = (packet: Packet) => void;

interface CommonSession {
  readonly id: string;
  /** Undefined: the server has refused the name. */
  readonly streamPath?: string | undefined;
  readonly streamQuery?: Record<string, string | string[] | undefined> | undefined;
  readonly broadcast: Broadcast;
  readonly inBytes: number;
  readonly outBytes: number;
  isPublisher: boolean;
  sendBuffer: (this: void, buffer: Buffer) => void;
  onPacket: OnPacket;
}

/** A player or publisher over RTMP or RTMPS. */
export interface RtmpSession extends CommonSession {
  readonly protocol: 'rtmp';
  readonly socket: Socket;
  readonly rtmp: {
    readonly streamId: number;
    readonly connectCmdObj?: { readonly flashVer?: unknown; readonly app?: unknown; readonly tcUrl?: unknown };
    /** What the server does about commands and media. */
    onConnectCallback: (named: object) => void;
    onPlayCallback: () => void;
    onPushCallback: () => void;
    onPacketCallback: OnPacket;
    sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
  };
}

/** A player or publisher over HTTP-FLV or WS-FLV. */
export interface FlvSession extends CommonSession {
  readonly protocol: 'flv';
  readonly req: Duplex & {
    readonly method?: string;
    readonly url?: string;
    readonly headers: IncomingHttpHeaders;
    readonly socket: Socket;
    /** HTTP/2 only. */
    readonly stream?: Duplex & { readonly session?: PingedHttp2Session };
  };
  readonly res: EventEmitter & (FlvResponse | ServerWebSocket);
  readonly flv: { onPacketCallback: OnPacket };
}

export type V4Session = RtmpSession | FlvSession;

type ServerWebSocket = FlvWebSocket & PingedWebSocket & { pause(): void; resume(): void };

export const isWebSocket = (res: FlvSession['res']): res is EventEmitter & ServerWebSocket =>
  'terminate' in res && typeof res.terminate === 'function';
