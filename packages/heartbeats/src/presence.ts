import type { Closer, ConnHit, Denial, HttpHit, SessionTracker } from '@stream-sessions/core';
import { denialStatus } from '@stream-sessions/core/spi';
import type { NewConnection } from './connection.js';

/** Why the tracker refuses a connection: a reason in one word, and the corresponding HTTP status. */
export interface Refused {
  readonly reason: string;
  readonly status: number;
}

/** A connection as the tracker sees it. */
export interface Presence {
  /** The session it counts for, if one is tracked. */
  sessionId: string | undefined;
  /** A heartbeat. Refused: it may no longer stay. A promise only if a policy is asynchronous. */
  beat(): Refused | undefined | Promise<Refused | undefined>;
  /** Its session has ended. False: the connection ends with it. `sessionId` may be another one afterwards. */
  survives(reason: string, detail: string | undefined): boolean;
  /** The connection has gone; `at`: its last heartbeat, in epoch milliseconds. */
  end(at: number): void;
}

const refusedBy = (denial: Denial): Refused => ({ reason: denial.reason, status: denialStatus(denial) });

/** A heartbeat is a hit: it joins the session of the same viewer's media requests, or opens the one that they join. */
class HeartbeatPresence implements Presence {
  sessionId: string | undefined = undefined;

  constructor(
    private readonly tracker: SessionTracker,
    private readonly hit: HttpHit,
  ) {}

  beat(): Refused | undefined | Promise<Refused | undefined> {
    const answer = this.tracker.admit(this.hit);
    if ('then' in answer) return answer.then((late) => this.settle(late));
    return this.settle(answer);
  }

  survives(reason: string): boolean {
    return COMES_BACK.has(reason);
  }

  end(): void {
    // the session ends by its window: its viewer may have other connections, and media requests
  }

  private settle(answer: Awaited<ReturnType<SessionTracker['admit']>>): Refused | undefined {
    if (!answer.admitted) return refusedBy(answer.denial);
    // read only once, because it makes a copy
    this.sessionId ??= answer.handle.session?.id;
    if ('end' in answer.handle) answer.handle.end();
    return undefined;
  }
}

/** For these reasons nobody is kept out: the next heartbeat opens the session anew. */
const COMES_BACK = new Set(['idle', 'client_gone', 'max_lifetime']);

/** The most that a tracker grants. Until then, the session is closed when its heartbeats stop, and not by its idle timeout. */
const A_DAY_MS = 86_400_000;

/** A connection of the app's own, which is reported as already playing. */
class OpenPresence implements Presence {
  sessionId: string | undefined = undefined;
  private closer: Closer | undefined = undefined;

  constructor(
    private readonly tracker: SessionTracker,
    private readonly hit: ConnHit,
  ) {}

  /** False: the tracker refuses it. */
  open(): boolean {
    const { session, closer } = this.tracker.openConn(this.hit);
    this.sessionId = session?.id;
    this.closer = closer;
    return session !== null;
  }

  beat(): undefined {
    this.closer?.touch();
    return undefined;
  }

  /** After a day, heartbeats that are further apart than the idle timeout no longer keep it: it goes on as a new visit. */
  survives(reason: string, detail: string | undefined): boolean {
    // with a detail, a policy has given its place to another
    return reason === 'idle' && detail === undefined && this.open();
  }

  end(at: number): void {
    this.closer?.close('client_gone', 0, { at });
  }
}

/** The presence of a connection that is beginning; undefined if the tracker refuses one of the app's own. */
export function presenceOf(tracker: SessionTracker, connection: NewConnection, keepMs: number): Presence | undefined {
  const { sessionId: stream, clientIp, userAgent, token, sid, userId, protocol = 'heartbeat' } = connection;
  if (protocol === 'heartbeat') {
    const who = { ...(userAgent && { userAgent }), ...(token && { token }), ...(sid && { sid }) };
    return new HeartbeatPresence(tracker, { stream, protocol, ip: clientIp, keepMs, ...who });
  }
  const who = { ...(userAgent && { userAgent }), ...(token && { token }), ...(userId && { userId }) };
  const hit = { stream, protocol, remoteAddress: clientIp, keepMs: A_DAY_MS, ...who };
  const presence = new OpenPresence(tracker, hit);
  return presence.open() ? presence : undefined;
}
