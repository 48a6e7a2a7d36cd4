import type { Clock, SessionTracker } from '@stream-sessions/core';
import { badOption, checkClock, checkOptions, checkTimeout, needTracker, systemClock } from '@stream-sessions/core/spi';
import type { ConnectionTracker } from './connection.js';
import { Connections } from './connections.js';

/** Options of `createConnectionTracker()`. */
export interface ConnectionTrackerOptions {
  /** A connection without a heartbeat for this long is no longer active. Default 60,000 ms. */
  readonly heartbeatWindowMs?: number | undefined;
  /** How often silent connections are removed. Default 30,000 ms. */
  readonly checkIntervalMs?: number | undefined;
  /** With a state store, connections with a heartbeat within this time are restored after a restart. Default 300,000 ms. */
  readonly resumeWithinMs?: number | undefined;
  /** The maximum number of connections. Default 200,000. */
  readonly maxConnections?: number | undefined;
  /** Default: the wall clock. Pass the same clock as to the tracker. */
  readonly clock?: Clock | undefined;
}

/**
 * Keeps connections that send heartbeats, and counts their viewers in the tracker.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example const connections = createConnectionTracker(tracker); await connections.addConnection({ id, sessionId: 'cam1',
 *   clientIp: '203.0.113.7' }); connections.updateHeartbeat(id);
 */
export function createConnectionTracker(
  tracker: SessionTracker,
  options: ConnectionTrackerOptions = {},
): ConnectionTracker {
  needTracker('createConnectionTracker: the first argument', tracker);
  checkOptions('createConnectionTracker()', options, [
    'heartbeatWindowMs',
    'checkIntervalMs',
    'resumeWithinMs',
    'maxConnections',
    'clock',
  ]);
  const {
    heartbeatWindowMs = 60_000,
    checkIntervalMs = 30_000,
    resumeWithinMs = 300_000,
    maxConnections = 200_000,
    clock = systemClock,
  } = options;
  for (const [name, value] of Object.entries({ heartbeatWindowMs, checkIntervalMs, resumeWithinMs, maxConnections })) {
    if (!(typeof value === 'number' && value > 0)) throw badOption(name, 'a number above 0', value);
  }
  // pages are told an interval in this time, and a timer of theirs that waits too long fires at once
  checkTimeout('heartbeatWindowMs', heartbeatWindowMs, 1);
  checkClock(clock);
  return new Connections(tracker, {
    windowMs: heartbeatWindowMs,
    checkIntervalMs,
    resumeWithinMs,
    maxConnections,
    clock,
  });
}
