import { EventEmitter } from 'node:events';
import Rtmp from 'node-media-server/src/protocol/rtmp.js';
import context from 'node-media-server-2/src/node_core_ctx.js';
import logger from 'node-media-server-2/src/node_core_logger.js';
import NodeRtmpSession from 'node-media-server-2/src/node_rtmp_session.js';

/** A message as a parser of RTMP has it when it is whole. */
export interface Message {
  readonly type: number;
  readonly length: number;
  readonly clock: number;
  /** How it begins. */
  readonly opening: string;
}

export interface ServerParser {
  /** What has been acted on. */
  readonly messages: Message[];
  feed(data: Buffer): void;
  /** Bytes of the buffers of all chunk streams. */
  held(): number;
  chunkSize(): number;
}

interface ParserPacket {
  readonly header: { readonly type: number; readonly length: number };
  readonly clock: number;
  readonly payload: Buffer | null;
  readonly capacity: number;
}

/** What both versions have, by the same names. */
interface Parser {
  readonly parserPacket: ParserPacket;
  readonly inPackets: Map<number, ParserPacket>;
  readonly inChunkSize: number;
}

export const OPENING_BYTES = 24;
const SET_CHUNK_SIZE = 1;

function watched(parser: Parser, feed: (data: Buffer) => void, act: () => unknown): ServerParser & { hear(): void } {
  const messages: Message[] = [];
  return {
    messages,
    feed,
    held: () => [...parser.inPackets.values()].reduce((sum, { capacity }) => sum + capacity, 0),
    chunkSize: () => parser.inChunkSize,
    hear() {
      const { header, clock, payload } = parser.parserPacket;
      const opening = payload?.toString('hex', 0, Math.min(header.length, OPENING_BYTES)) ?? '';
      messages.push({ type: header.type, length: header.length, clock, opening });
      if (header.type === SET_CHUNK_SIZE) act();
    },
  };
}

/** The parser of a new connection, which does nothing with what it reads but to take sizes of chunks. */
export const serverParsers: Record<string, () => ServerParser> = {
  'node-media-server 4'() {
    const rtmp = new Rtmp();
    const parser = watched(rtmp, (data) => rtmp.parserData(data), rtmp.packetHandler.bind(rtmp));
    rtmp.packetHandler = () => parser.hear();
    return parser;
  },
  'node-media-server 2'() {
    logger.setLogType(0); // it tells of what it cannot read
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: '127.0.0.1',
      write: () => true,
      setTimeout: () => undefined,
      destroy: () => undefined,
    });
    const session = new NodeRtmpSession({ rtmp: {} }, socket);
    context.sessions.clear();
    const parser = watched(session, (data) => session.onSocketData(data), session.rtmpHandler.bind(session));
    session.rtmpHandler = () => parser.hear();
    return parser;
  },
};
