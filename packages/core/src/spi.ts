/** For authors of adapters, policies and sinks. */
export { cookieValue } from './identity/cookie-value.js';
export { credentialsOf } from './identity/credentials.js';
export { hideSecrets, type Secrets } from './identity/hide-secrets.js';
export { MAX_STREAM_LENGTH } from './identity/stream-code.js';
export { MAX_TOKEN_LENGTH, queryTokenReader, TOKEN_PARAMETERS } from './identity/tokens.js';
export { withoutUserinfo } from './identity/userinfo.js';
export { conflictToWire, denialToWire } from './wire/denial.js';
export { EventHub } from './events/event-hub.js';
export { attachedEnvelope, EVENT_NAMES, eventToWire } from './wire/event.js';
export { explanationToWire } from './wire/explanation.js';
export { denialsToWire, sessionsToWire, streamsToWire, type SessionsPage } from './wire/lists.js';
export { visitToWire } from './wire/session.js';
export { invalidatedToWire, statsToWire, streamToWire, totalsToWire } from './wire/stats.js';
export { withoutAbsent } from './wire/without-absent.js';
export { checkAccess, unauthorized, type Action, type Authorize } from './http/api-access.js';
export {
  ApiError,
  invalidBody,
  invalidQuery,
  keepPrivate,
  notFound,
  sendError,
  sendJson,
  unreachable,
} from './http/api-answer.js';
export { countryOf, isDay, MAX_ROWS, oneOf, protocolOf, quoted, rowLimit } from './http/request-values.js';
export { isParsedBody, readObject } from './http/json-body.js';
export { isGone, type NodeRequest, type NodeResponse } from './http/node-http.js';
export { isOrigin, isOwnOrigin } from './http/page-origin.js';
export type { Attachment } from './connections/attachment.js';
export { ConnectionSet, onceClosed } from './connections/connection-set.js';
export { destroyLater, HANG_UP_MS } from './connections/hang-up.js';
export { CLOSE_REASONS, SESSION_KINDS } from './types/kinds.js';
export { EVENT_TYPES } from './types/wire.js';
export { needDirectory } from './connections/need-directory.js';
export { clusterPort } from './connections/cluster-port.js';
export type {
  ClusterPort,
  FoundVisit,
  IdentityOptionsDigest,
  NameHash,
  Part,
  Replacement,
  VisitDirectory,
  VisitIdentity,
} from './types/cluster.js';
export type { SharedSlots, SlotAnswer, SlotLimit, WhoPlays } from './types/slots.js';
export { needTracker } from './connections/need-tracker.js';
export { lockFile } from './support/file-lock.js';
export { Generations } from './support/generations.js';
export {
  badOption,
  badSecret,
  checkBytes,
  checkClock,
  checkMethods,
  checkOptions,
  checkTimeout,
  hasMethods,
} from './support/options.js';
export { checkTags } from './support/tags.js';
export { checkFilter, checkKickFilter } from './wire/check-filter.js';
export {
  forwardedAddress,
  LOCAL_PEER,
  readTrustProxy,
  type TrustFunction,
  type TrustProxy,
} from './identity/trust-proxy.js';
export { keep, ownCopy } from './support/strings.js';
export { parseObject } from './support/parse-object.js';
export { parseUrl } from './support/parse-url.js';
export { Queue } from './collections/queue.js';
export { RecentMap, type RecentMapOptions } from './collections/recent-map.js';
export { AddressReader, normaliseAddress, parseBlock } from './identity/address.js';
export type { ByteCounters } from './connections/byte-counters.js';
export {
  beingWritten,
  givenToKernel,
  heldBack,
  queuedInTcp,
  takenByKernel,
  type WritableInternals,
} from './connections/kernel-bytes.js';
export { consoleLogger, isolated } from './support/logger.js';
export {
  clockOffset,
  FEWEST_MS,
  keepAlive,
  LAST_MS,
  LONGEST_TIMER_MS,
  monotonic,
  systemClock,
} from './support/clock.js';
export { momentOf, type Moment } from './support/moment.js';
export { LineFile } from './support/line-file.js';
export { everyMs } from './support/every-ms.js';
export { inTime } from './support/in-time.js';
export { atOnce, isPromise } from './support/promises.js';
export { nextTurn } from './support/turns.js';
export { Deadlines, type Waiting } from './support/deadlines.js';
export {
  redisSender,
  type IoredisClient,
  type NodeRedisClient,
  type NodeRedisCluster,
  type NodeRedisSentinel,
  type RedisClient,
  type RedisCommands,
  type RedisSend,
} from './redis/clients.js';
export { isAlive, readIdentity, thisProcess, type ProcessIdentity } from './support/process-identity.js';
export {
  CONNECTION_STALL_MS,
  Sampler,
  samplerOf,
  type Registration,
  type SampledConnection,
} from './connections/sampler.js';
export { SocketByteCounters, type CountedSocket } from './connections/socket-byte-counters.js';
export type { TransportClient, Responder } from './connections/transport-client.js';
export { warnOnce } from './connections/warn-once.js';
export {
  TransportConnection,
  type ConnectionOwner,
  type ConnectionSettings,
  type SubscribeToEnd,
} from './connections/transport-connection.js';
export { connectionOptions } from './connections/connection-options.js';
export { denialStatus, denialText } from './connections/denial-response.js';
