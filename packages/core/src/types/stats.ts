import type { SinkStats } from './event.js';
import type { Protocol, SessionKind } from './kinds.js';

/** How long a policy takes to answer. */
export interface PolicyStats {
  readonly name: string;
  /** How often it was asked to admit or review a session. */
  readonly asked: number;
  /** The total time of all its answers in seconds, including waiting. */
  readonly seconds: number;
}

/** The number of live sessions of one stream, protocol and kind. */
export interface ActiveCount {
  readonly stream: string;
  /** The protocol used most recently. */
  readonly protocol: Protocol;
  readonly kind: SessionKind;
  readonly active: number;
}

/** Counters since the start, and what is live now. Cheap: no session is walked. */
export interface TrackerStats {
  readonly active: number;
  readonly openedTotal: number;
  /** Visits of an earlier process that were continued in this one. */
  readonly resumedTotal: number;
  /** Visits of an earlier process that may still be continued: they are in no list. */
  readonly waiting: number;
  readonly closedTotal: number;
  readonly idleClosedTotal: number;
  readonly kickedTotal: number;
  /** Clients refused by a denial or a policy. */
  readonly deniedTotal: number;
  /** Hits that could not open a session because of a cap. */
  readonly overloadTotal: number;
  /** Sessions that ended here as idle while their viewers watched on through other nodes of a cluster. */
  readonly handoversTotal: number;
  /** Events that a sink did not get. */
  readonly droppedEventsTotal: number;
  /** One entry per sink. */
  readonly sinks: readonly SinkStats[];
  readonly viewers: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Bytes sent to all sessions since start. */
  readonly bytesTotal: number;
  /** Bytes received from all sessions since start. */
  readonly receivedBytesTotal: number;
  /** Watch time of all sessions since the start, for live ones up to their last activity: it never decreases. */
  readonly watchSecondsTotal: number;
  /** Closed sessions by reason. Of the reasons that policies make up, 32 are counted separately and the rest as `other`. */
  readonly closedByReason: Readonly<Record<string, number>>;
  /** Refused clients by reason, likewise. */
  readonly deniedByReason: Readonly<Record<string, number>>;
  /** One entry per configured policy, in the order they are asked. */
  readonly policies: readonly PolicyStats[];
  /** Live sessions by stream, protocol and kind; a session seen on several streams counts on each. Computed on access. */
  readonly activeBy: readonly ActiveCount[];
}
