export type { Attachment } from '@stream-sessions/core/spi';
export { attachRtmp } from './attach-rtmp.js';
export { guardNodeMediaServer, type GuardOptions } from './guard/guard-node-media-server.js';
export type { NodeMediaServer } from './media-server.js';
export type { RtmpOptions } from './options.js';
export { runNodeMediaServer } from './run-node-media-server.js';
