export { createTracker } from './tracker/create-tracker.js';
export type { HotOptions, TrackerOptions } from './types/options.js';
export type { ActiveCount, PolicyStats, TrackerStats } from './types/stats.js';
export type { DenyOptions, InvalidateResult, KickedAt, KickOptions, SharedDenial } from './types/operations.js';
export type { SessionTracker } from './types/tracker.js';
export type { Everywhere, LiveVisits, SessionDirectory, SessionRows, VisitEvents } from './types/directory.js';
export type { Explanation, PolicyDecision } from './types/explanation.js';
export type { SessionKind, Protocol } from './types/kinds.js';
export type { ConnHit, Credentials, HttpHit } from './types/hit.js';
export type {
  CloseReason,
  NamedBy,
  PlaySession,
  SessionProgress,
  Quality,
  SessionFilter,
  SessionOrder,
  StreamSummary,
} from './types/play-session.js';
export type { Conflict, Denial, DenialRecord, DenialKind, DenialTarget } from './types/denial.js';
export { toWire } from './wire/session.js';
export type { WireEvent, WireSession } from './types/wire.js';
export { cursorOf } from './registry/cursor.js';
export type {
  AttachedEvent,
  DeniedEvent,
  EventSink,
  SessionClosedEvent,
  SessionChangedEvent,
  SessionEvent,
  SessionOpenedEvent,
  SessionResumedEvent,
  SinkGap,
  SinkOptions,
  SinkStats,
  SourceChange,
  SourceEvent,
  TrackerEvents,
} from './types/event.js';
export type {
  Admission,
  CloseOptions,
  Closer,
  ConnHandle,
  Handle,
  PendingAdmission,
  RequestHandle,
} from './types/admission.js';
export type {
  Approval,
  Candidate,
  Ids,
  Policy,
  PolicyAttachment,
  PolicyStage,
  Refusal,
  TrackerView,
  Verdict,
} from './types/policy.js';
export type { SourceGate, SourceWait } from './types/source-gate.js';
export type { Limits } from './types/limits.js';
export {
  mistServerIdentity,
  openStreamerIdentity,
  type IdentityField,
  type IdentityOptions,
} from './types/identity.js';
export { streamCode } from './identity/stream-code.js';
export { parseStreamId, type StreamId } from './identity/stream-id.js';
export { tokenFromQuery } from './identity/tokens.js';
export { nullGeo, type GeoResolver } from './types/geo.js';
export { fileState } from './state/file-state.js';
export type { StateChange, StateRecords, StateStore } from './types/state.js';
export type { Clock } from './support/clock.js';
export type { Logger } from './support/logger.js';
export { StreamSessionsError } from './support/errors.js';
