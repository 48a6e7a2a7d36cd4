import type { SinkStats } from './event.js';
import type { Protocol, SessionKind } from './kinds.js';

/** How long a policy takes. */
export interface PolicyStats {
  readonly name: string;
  /** How many times it was asked to admit or to review somebody. */
  readonly asked: number;
  /** How long all its answers took together, waiting included. */
  readonly seconds: number;
}

/** How many live sessions of one stream, protocol and kind there are. */
export interface ActiveCount {
  readonly stream: string;
  /** The one used last. */
  readonly protocol: Protocol;
  readonly kind: SessionKind;
  readonly active: number;
}

/** Counters since start, and what is live now. Cheap: no session is walked. */
export interface TrackerStats {
  readonly active: number;
  readonly openedTotal: number;
  /** Visits of an earlier process that have gone on in this one. */
  readonly resumedTotal: number;
  /** Visits of an earlier process that may still go on: in no list. */
  readonly waiting: number;
  readonly closedTotal: number;
  readonly idleClosedTotal: number;
  readonly kickedTotal: number;
  /** Clients refused by a denial or a policy. */
  readonly deniedTotal: number;
  /** Hits that could not open a session because of a cap. */
  readonly overloadTotal: number;
  /** Sessions that ended here as idle while their viewers watched on at other nodes of a cluster. */
  readonly handoversTotal: number;
  /** Events that a sink did not get. */
  readonly droppedEventsTotal: number;
  /** Of each sink. */
  readonly sinks: readonly SinkStats[];
  readonly viewers: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes sent to all sessions since start. */
  readonly bytesTotal: number;
  /** Bytes received from all sessions since start. */
  readonly receivedBytesTotal: number;
  /** Watch time of all sessions since start, live ones up to their last activity: it never falls. */
  readonly watchSecondsTotal: number;
  /** Closed sessions by reason. Of the reasons that policies make up, 32 stand by themselves and the rest is `other`. */
  readonly closedByReason: Readonly<Record<string, number>>;
  /** Refused clients by reason, likewise. */
  readonly deniedByReason: Readonly<Record<string, number>>;
  /** Of each policy that is configured, in the order they are asked. */
  readonly policies: readonly PolicyStats[];
  /** Live sessions by stream, protocol and kind; who is seen on several streams counts on each. Made when it is read. */
  readonly activeBy: readonly ActiveCount[];
}
