/** Neither version has types of its own; the tests see as much of them as the adapter's users do. */
declare module 'node-media-server' {
  import type { Server } from 'node:net';
  import type { Server as TlsServer } from 'node:tls';
  import type { Server as HttpServer } from 'node:http';
  export default class NodeMediaServer {
    constructor(config: object);
    on(event: string, listener: (...args: never[]) => void): void;
    stop(): Promise<void>;
    readonly rtmpServer: { tcpServer: Server; tlsServer?: TlsServer };
    readonly httpServer: { httpServer: HttpServer };
    readonly relayServer: {
      addTask(config: { url: string; streamPath: string; mode: 'push' | 'pull' }): { isRegistered: boolean };
      removeTask(key: string): boolean;
      readonly tasks: Map<string, unknown>;
      run(): void;
    };
  }
}
declare module 'node-media-server/src/core/logger.js' {
  const logger: { level: string; log: (message: string, level: string) => unknown };
  export default logger;
}
declare module 'node-media-server/src/core/context.js' {
  import type { EventEmitter } from 'node:events';
  const context: {
    eventEmitter: EventEmitter;
    sessions: Map<string, unknown>;
    broadcasts: Map<string, { subscribers: Map<string, unknown>; publisher: unknown }>;
  };
  export default context;
}
declare module 'node-media-server-2' {
  export default class NodeMediaServer {
    constructor(config: object);
    on(event: string, listener: (...args: never[]) => void): void;
    stop(): void;
    getSession(id: string): unknown;
  }
}
declare module 'node-media-server-2/src/node_core_ctx.js' {
  import type { EventEmitter } from 'node:events';
  const context: { nodeEvent: EventEmitter; sessions: Map<string, unknown>; idlePlayers: Set<string> };
  export default context;
}
declare module 'node-media-server/src/protocol/rtmp.js' {
  export default class Rtmp {
    parserData(data: Buffer): unknown;
    packetHandler(): unknown;
    readonly parserPacket: any;
    readonly inPackets: Map<number, any>;
    readonly inChunkSize: number;
  }
}
declare module 'node-media-server-2/src/node_rtmp_session.js' {
  export default class NodeRtmpSession {
    constructor(config: object, socket: unknown);
    onSocketData(data: Buffer): void;
    rtmpHandler(): unknown;
    readonly parserPacket: any;
    readonly inPackets: Map<number, any>;
    readonly inChunkSize: number;
  }
}
declare module 'node-media-server-2/src/node_core_logger.js' {
  const logger: { setLogType(type: number): void };
  export default logger;
}
