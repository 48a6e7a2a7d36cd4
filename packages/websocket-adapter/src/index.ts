export { attachWebSocketServer } from './attach-websocket-server.js';
export type { Attachment } from '@stream-sessions/core/spi';
export type { WebSocketOptions } from './options.js';
export type { TrustProxy } from '@stream-sessions/core/spi';
export type { Origins } from './request/origins.js';
export type { WebSocketServerLike } from './server.js';
export { createVncProxy, type VncProxy } from './vnc/create-vnc-proxy.js';
export type { VncProxyOptions, VncTarget, VncTargetAnswer } from './vnc/options.js';
export type { Allow } from './vnc/allow.js';
