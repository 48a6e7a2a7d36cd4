export type { Attachment } from '@stream-sessions/core/spi';
export { attachSrt } from './attach-srt.js';
export type { SrtOptions } from './options.js';
export type { SrtAddress } from './binding/address.js';
export type {
  SrtBinding,
  SrtListener,
  SrtListenOptions,
  SrtHandshakeFilter,
  SrtSocket,
  SrtCaller,
} from './binding/binding.js';
export { libsrt } from './binding/libsrt.js';
export type { SrtStatistics } from './binding/statistics.js';
export type { SrtRelayConnection } from './server/connection.js';
export { createSrtServer } from './create-srt-server.js';
export type { SrtServer } from './server/srt-server.js';
export type { SrtServerOptions } from './server/options.js';
export type { SrtConnection, SrtSource } from './source.js';
