import type { Denial, HttpHit, SessionTracker } from '@stream-sessions/core';
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
  readonly sessionId: string | undefined;
  /** A heartbeat. Refused: it may no longer stay. A promise only if a policy is asynchronous. */
  beat(): Refused | undefined | Promise<Refused | undefined>;
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

/** Longer than any window: the session is closed when its heartbeats stop, not by the idle timeout of its protocol. */
const A_DAY_MS = 86_400_000;

/** A connection of the app's own, which is reported as already playing. */
class OpenPresence implements Presence {
  readonly sessionId: string;

  constructor(
    session: { readonly id: string },
    private readonly closer: ReturnType<SessionTracker['openConn']>['closer'],
  ) {
    this.sessionId = session.id;
  }

  beat(): undefined {
    this.closer.touch();
    return undefined;
  }

  end(at: number): void {
    this.closer.close('client_gone', 0, { at });
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
  const { session, closer } = tracker.openConn({ stream, protocol, remoteAddress: clientIp, keepMs: A_DAY_MS, ...who });
  return session === null ? undefined : new OpenPresence(session, closer);
}
