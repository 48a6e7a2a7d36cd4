export { createConnectionTracker, type ConnectionTrackerOptions } from './connection-tracker.js';
export type { Added, Connection, ConnectionStats, ConnectionTracker, NewConnection } from './connection.js';
export { heartbeatApi, type HeartbeatHandler } from './api/heartbeat-api.js';
export type { Client, HeartbeatApiOptions } from './api/options.js';
export { HEARTBEAT_SCRIPT } from './script.js';
