export { trackPlayback, type PlaybackMiddleware } from './track-playback.js';
export type { TrackPlaybackOptions } from './options.js';
export type { PlaylistCounts } from './response/written-playlist.js';
export type { ViewerTokenOptions } from './tokens/options.js';
export { hitFromRequest } from './request/hit-from-request.js';
export type { TrustProxy } from './request/client-address.js';
export type { StreamRule } from './media/stream-name.js';
export type { ConnectMiddleware, PlaybackRequest, PlaybackResponse } from './connect.js';
export { sessionsApi, type ApiHandler, type SessionsApiOptions } from './sessions-api/sessions-api.js';
