export { fakeClock, type FakeClock } from './fake-clock.js';
export { transportContract } from './contract/transport-contract.js';
export type { PlayedClient, PlayRequest, RunningTransport, TransportHarness } from './contract/harness.js';
export type { SkippedCase } from './contract/suite.js';
