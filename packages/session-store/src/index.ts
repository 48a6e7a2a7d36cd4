export { createManager, type Manager } from './manager/create-manager.js';
export type { ManagerOptions } from './manager/options.js';
export { Session, type SessionType } from './session/session.js';
export { SseSession, type AttachOptions, type SseClientInfo, type SseSessionOptions } from './session/sse-session.js';
export type { SseFields } from './sse/sse-text.js';
export type { EventStreamResponse } from './sse/event-stream.js';
export { StreamableSession } from './session/streamable-session.js';
export type { SessionFactory } from './session/make-session.js';
export {
  sessionHeader,
  sessionOf,
  type SessionHeaderHandler,
  type SessionHeaderOptions,
} from './http/session-header.js';
export type { HeaderRequest, HeaderResponse } from './http/messages.js';
export { localStorage, type LocalStorageOptions } from './storage/local-storage.js';
export type { Storage, StoredSession, UpdateOptions, UpdateResult } from './storage/storage.js';
export type { SessionStoreError } from './errors.js';
