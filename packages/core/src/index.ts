export { createTracker } from './tracker/create-tracker.js';
export type { HotOptions, TrackerOptions } from './tracker/options.js';
export type {
  DenyOptions,
  InvalidateResult,
  KickOptions,
  SessionTracker,
  TrackerStats,
} from './tracker/session-tracker.js';
export type { Explanation, Judgement } from './tracker/explanation.js';
export type { SessionKind, Protocol } from './model/kinds.js';
export type { ConnHit, Credentials, HttpHit } from './model/hit.js';
export type {
  CloseReason,
  NamedBy,
  PlaySession,
  Quality,
  SessionFilter,
  SessionOrder,
  StreamSummary,
} from './model/play-session.js';
export type { Denial, DenialKind, DenialTarget } from './model/denial.js';
export { toWire, type WireEvent, type WireSession } from './model/wire.js';
export { cursorOf } from './model/cursor.js';
export type { DeniedEvent, EventSink, SessionClosedEvent, SessionEvent, TrackerEvents } from './events/event.js';
export type { Admission, Closer, ConnHandle, Handle, PendingAdmission, RequestHandle } from './policy/admission.js';
export type {
  Approval,
  Candidate,
  Ids,
  Limits,
  Policy,
  PolicyStage,
  Refusal,
  TrackerView,
  Verdict,
} from './policy/policy.js';
export {
  mistServerIdentity,
  openStreamerIdentity,
  type IdentityField,
  type IdentityOptions,
} from './identity/options.js';
export { streamCode } from './identity/stream-code.js';
export { parseStreamId, type StreamId } from './identity/stream-id.js';
export { tokenFromQuery } from './identity/tokens.js';
export { nullGeo, type GeoResolver } from './support/geo.js';
export type { Clock } from './support/clock.js';
export type { Logger } from './support/logger.js';
export { StreamSessionsError } from './support/errors.js';
