export type { Attachment } from '@stream-sessions/core/spi';
export { attachRtsp } from './attach/attach-rtsp.js';
export type { RtspOptions } from './attach/options.js';
export { createRtspServer, type RtspServerOptions } from './create-rtsp-server.js';
export type { RtspClient } from './door/client.js';
export type { RtspAuthorize, RtspRefusal } from './door/own-gate.js';
export { countMedia } from './rtsp-server-package/reception.js';
export type { RtspServerPackage } from './rtsp-server-package/shapes.js';
export type { RtspListenOptions, RtspServer } from './server/rtsp-server.js';
