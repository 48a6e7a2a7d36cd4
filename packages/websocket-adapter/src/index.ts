export { attachWebSocketServer } from './attach-websocket-server.js';
export type { Attachment } from '@stream-sessions/core/spi';
export type { WebSocketOptions } from './options.js';
export type { TrustProxy } from './request/client-address.js';
export type { WebSocketServerLike } from './server.js';
