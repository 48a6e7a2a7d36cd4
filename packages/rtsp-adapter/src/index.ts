export type { Attachment } from '@stream-sessions/core/spi';
export { attachRtsp } from './attach-rtsp.js';
export type { RtspOptions } from './options.js';
export { createRtspServer, type RtspServerOptions } from './create-rtsp-server.js';
export type { RtspClient } from './client/rtsp-client.js';
export type { RtspAuthorize, RtspRefusal } from './client/callback-authorizer.js';
export { countMedia } from './rtsp-server-package/request-interceptor.js';
export type { RtspServerPackage } from './rtsp-server-package/shapes.js';
export type { RtspListenOptions, RtspServer } from './server/rtsp-server.js';
