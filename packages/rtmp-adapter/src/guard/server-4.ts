import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isRelay } from '../v4/relay-client.js';
import { isWebSocket, type FlvSession, type RtmpSession, type V4Session } from '../v4/shapes.js';
import { GopBound } from './gop-bound.js';
import { cutterOf, hush } from './hush.js';
import type { Limits } from './limits.js';
import type { Role } from './rtmp-scanner.js';
import { capacityOf, hearFirst, trim, type ParserPackets, type Standing, type Standings } from './standing.js';

type Guarded = RtmpSession & { readonly rtmp: { readonly inPackets: ParserPackets } };
type Packet = Parameters<RtmpSession['onPacket']>[0];

class Standing4 implements Standing {
  private readonly gop: GopBound;

  constructor(
    private readonly session: Guarded,
    limits: Limits,
  ) {
    this.gop = gopBoundOf(session, limits);
  }

  get role(): Role {
    const { session } = this;
    if (isPublisher(session)) return 'publisher';
    return session.broadcast.subscribers.has(session.id) ? 'player' : undefined;
  }

  get heldBytes(): number {
    return capacityOf(this.session.rtmp.inPackets);
  }

  grew(bytes: number): void {
    this.gop.grew(bytes);
  }
}

/** Notices sessions when they ask to play or publish: version 4 emits nothing before that. */
export function standings4(emitter: EventEmitter, limits: Limits): Standings {
  const all = new WeakMap<object, Standing>();
  const remove = hearFirst(emitter, ['prePlay', 'prePublish'], (session: V4Session) => {
    if (session.protocol !== 'rtmp' || isRelay(session) || all.has(session.socket)) return;
    all.set(session.socket, new Standing4(session as Guarded, limits));
    trim(session.rtmp.connectCmdObj);
    passPublished(session);
  });
  return { of: (socket: Socket) => all.get(socket), remove };
}

/**
 * The server would pass on to the players of a stream whatever a client sends that plays it, or that was refused as its second
 * publisher.
 */
function passPublished(session: RtmpSession): void {
  const { onPacket, rtmp } = session;
  session.onPacket = rtmp.onPacketCallback = (packet: Packet) => {
    if (isPublisher(session)) onPacket(packet);
  };
}

const isPublisher = (session: V4Session): boolean => session.broadcast.publisher === session;

function gopBoundOf(session: V4Session, { maxGopBytes }: Limits): GopBound {
  const forget = (): void => {
    // Nothing is kept until the next key frame.
    session.broadcast.rtmpGopCache = null;
    session.broadcast.flvGopCache = null;
  };
  return new GopBound(maxGopBytes, () => session.broadcast.rtmpGopCache, forget);
}

interface FlvParser {
  parserData: (data: Buffer) => unknown;
  parserTagAlloc?: (size: number) => void;
}

/**
 * For players and publishers over HTTP and WebSocket: input from a player is discarded, and a publisher can park one tag at most.
 */
export function guardFlv4(emitter: EventEmitter, limits: Limits): () => void {
  const undo = [
    hearFirst(emitter, ['prePlay'], (session: V4Session) => {
      if (session.protocol !== 'flv' || isRelay(session)) return;
      parserOf(session).parserData = () => null;
      hush(session.req, session.res);
    }),
    hearFirst(emitter, ['prePublish'], (session: V4Session) => {
      if (session.protocol === 'flv' && !isRelay(session)) boundParser(session, limits);
    }),
  ];
  return () => undo.forEach((each) => each());
}

const parserOf = (session: FlvSession): FlvParser => session.flv as unknown as FlvParser;

/** If the parser throws or finds an error, the connection ends: the server would go on reading. */
function boundParser(session: FlvSession, limits: Limits): void {
  const parser = parserOf(session);
  if (Object.hasOwn(parser, 'parserData')) return;
  const { parserData, parserTagAlloc } = parser;
  const gop = gopBoundOf(session, limits);
  const cut = cutterOf(session.req, session.res);
  parser.parserData = (data) => {
    let problem: unknown;
    try {
      problem = parserData.call(parser, data);
    } catch (error) {
      problem = String(error);
    }
    if (problem !== null) cut();
    else if (isPublisher(session)) gop.grew(data.length);
    return problem;
  };
  parser.parserTagAlloc = (size) => {
    if (size > limits.maxMessageBytes) throw new Error('a tag that is too long');
    parserTagAlloc?.call(parser, size);
  };
  // A message that is too long: the server would wait half a minute for the client to confirm the close.
  if (isWebSocket(session.res)) session.res.once('error', cut);
}
