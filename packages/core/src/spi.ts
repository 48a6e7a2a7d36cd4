/** For people who write adapters, policies and sinks. */
export { credentialsOf } from './identity/credentials.js';
export { hideSecrets, type Secrets } from './identity/hide-secrets.js';
export { MAX_STREAM_LENGTH } from './identity/stream-code.js';
export { MAX_TOKEN_LENGTH, queryTokenReader, TOKEN_PARAMETERS } from './identity/tokens.js';
export { withoutUserinfo } from './identity/userinfo.js';
export { withoutAbsent } from './model/wire.js';
export { needTracker } from './support/need-tracker.js';
export { checkOptions, badOption } from './support/options.js';
export { keep, ownCopy } from './support/strings.js';
export { AddressReader, normaliseAddress } from './identity/address.js';
export type { Flow } from './sampler/flow.js';
export { CONNECTION_STALL_MS, Sampler, samplerOf, type Sampled, type Sampling } from './sampler/sampler.js';
export { SocketFlow, type CountedSocket } from './sampler/socket-flow.js';
export type { VisitClient, Voice } from './visits/client.js';
export { faultWarner } from './visits/fault-warner.js';
export { Visit, type VisitSettings } from './visits/visit.js';
export { visitSettings } from './visits/visit-settings.js';
export { denialStatus, denialText } from './visits/words.js';
