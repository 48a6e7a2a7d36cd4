/**
 * The tracker as the documents describe it, as plainly as it can be said: arrays, walked from end to end. Written from
 * the architecture notes, not from the code. Default recipe (stream + ip + token), no policies, no aliases.
 */
export interface ModelSession {
  key: string;
  kind: string;
  stream: string;
  ip: string;
  userAgent: string;
  /** All that it was seen with. */
  userAgents: string[];
  token: string | undefined;
  protocols: string[];
  openedAt: number;
  updatedAt: number;
  bytes: number;
  connection: boolean;
  /** Requests in flight, oldest first: when each was touched last. */
  requests: { id: number; touchedAt: number }[];
  closed: { at: number; reason: string; durationMs: number } | undefined;
}

export interface Viewer {
  kind: string;
  stream: string;
  ip: string;
  userAgent: string;
  token: string | undefined;
}

interface ModelDenial {
  until: number;
  /** A kick refuses new sessions only. */
  isKick: boolean;
  /** Made again for the same target, a denial replaces the one before, and ends no sooner. */
  target: string;
  refuses(viewer: Asker): boolean;
}

type Asker = Viewer & { protocol: string; connection: boolean };

export interface ModelOptions {
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  stallTimeoutMs: number;
  deniedRetentionMs: number;
  kickByAddress: 'never' | 'connections' | 'always';
  enabled: boolean;
  maxSessions: number;
}

export class ReferenceModel {
  now = 0;
  readonly sessions: ModelSession[] = [];
  denials: ModelDenial[] = [];
  readonly story: string[] = [];
  readonly counters = { opened: 0, closed: 0, idle: 0, kicked: 0, bytes: 0 };
  private lastRequest = 0;

  constructor(readonly options: ModelOptions) {}

  get live(): ModelSession[] {
    return this.sessions.filter(({ closed }) => closed === undefined);
  }

  /** A segment that was served (`trackHttp`), or a request that is asked for (`admit`). */
  hit(viewer: Viewer, protocol: string, bytes: number): ModelSession | 'refused' | 'untracked' {
    const known = this.live.find((session) => !session.connection && sameIdentity(session, viewer));
    if (this.isRefused({ ...viewer, protocol, connection: false }, known !== undefined)) return 'refused';
    if (!this.options.enabled) return 'untracked';
    if (known === undefined && this.live.length >= this.options.maxSessions) return 'untracked';
    const session = known ?? this.open(viewer, protocol, false);
    if (known !== undefined) session.updatedAt = this.now;
    session.userAgent = viewer.userAgent;
    if (!session.userAgents.includes(viewer.userAgent)) session.userAgents.push(viewer.userAgent);
    if (!session.protocols.includes(protocol)) session.protocols.push(protocol);
    this.credit(session, bytes);
    return session;
  }

  connect(viewer: Viewer, protocol: string): ModelSession | 'refused' | 'untracked' {
    if (this.isRefused({ ...viewer, protocol, connection: true }, false)) return 'refused';
    if (!this.options.enabled || this.live.length >= this.options.maxSessions) return 'untracked';
    return this.open(viewer, protocol, true);
  }

  beginRequest(session: ModelSession): number {
    session.requests.push({ id: ++this.lastRequest, touchedAt: this.now });
    return this.lastRequest;
  }

  /** False: the request or connection has been ended, nothing counts any more. */
  touch(session: ModelSession, request: number | undefined, bytes: number): void {
    if (session.closed !== undefined) return;
    const open = session.requests.find(({ id }) => id === request);
    if (request !== undefined && open === undefined) return;
    if (open !== undefined) open.touchedAt = this.now;
    session.updatedAt = this.now;
    this.credit(session, bytes);
  }

  endRequest(session: ModelSession, request: number, bytes: number): void {
    this.touch(session, request, bytes);
    session.requests = session.requests.filter(({ id }) => id !== request);
  }

  closeConnection(session: ModelSession, bytes: number): void {
    if (session.closed !== undefined) return;
    this.touch(session, undefined, bytes);
    this.close(session, 'client_gone');
  }

  kick(session: ModelSession): boolean {
    if (session.closed !== undefined) return false;
    const { kind, stream, ip, userAgents, token, connection } = session;
    const when = this.options.kickByAddress;
    if (this.options.deniedRetentionMs > 0) {
      this.denials.push({
        until: this.now + this.options.deniedRetentionMs,
        isKick: true,
        target: '',
        refuses: (viewer) =>
          viewer.kind === kind &&
          viewer.stream === stream &&
          viewer.ip === ip &&
          (userAgents.includes(viewer.userAgent) ||
            (token !== undefined && viewer.token === token) ||
            when === 'always' ||
            // the agent of a connection cannot be compared
            (when === 'connections' && (connection || viewer.connection))),
      });
    }
    this.close(session, 'kicked');
    return true;
  }

  deny(target: Partial<Viewer>, forMs: number): void {
    const names = (one: Viewer): boolean =>
      Object.entries(target).every(([field, value]) => one[field as keyof Viewer] === value);
    const key = JSON.stringify(target);
    const before = this.denials.find((denial) => denial.target === key)?.until ?? 0;
    this.denials = this.denials.filter((denial) => denial.target !== key);
    this.denials.push({ until: Math.max(before, this.now + forMs), isKick: false, target: key, refuses: names });
    for (const session of this.live) if (names(session)) this.close(session, 'denied');
  }

  /** One look at everything. */
  look(): void {
    const { idleTimeoutMs, maxLifetimeMs, stallTimeoutMs } = this.options;
    for (const session of this.live) {
      const idle = this.now - session.updatedAt > idleTimeoutMs;
      const stalled = ({ touchedAt }: { touchedAt: number }): boolean =>
        stallTimeoutMs > 0 && this.now - touchedAt > stallTimeoutMs;
      if (maxLifetimeMs > 0 && this.now - session.openedAt >= maxLifetimeMs) this.close(session, 'max_lifetime');
      else if (session.requests.length === 0) {
        if (idle) this.close(session, 'idle');
      } else if (idle && session.requests.every(stalled)) this.close(session, 'stalled');
      else session.requests = session.requests.filter((request) => !stalled(request));
    }
  }

  shutDown(): void {
    for (const session of this.live) this.close(session, 'shutdown');
  }

  private isRefused(viewer: Asker, isKnown: boolean): boolean {
    return this.denials.some(
      (denial) => denial.until > this.now && !(isKnown && denial.isKick) && denial.refuses(viewer),
    );
  }

  private open(viewer: Viewer, protocol: string, connection: boolean): ModelSession {
    const key = `s${++this.counters.opened}`;
    const { kind, stream, ip, userAgent, token } = viewer;
    // A visit is (identity, openedAt): who comes back within the same millisecond opens one later.
    const before = this.sessions.filter((one) => !connection && !one.connection && sameIdentity(one, viewer));
    const openedAt = Math.max(this.now, ...before.map((visit) => visit.openedAt + 1));
    const times = { openedAt, updatedAt: openedAt };
    const session = { key, kind, stream, ip, userAgent, token, ...times, connection };
    const seen = { userAgents: [userAgent], protocols: [protocol] };
    const full: ModelSession = { ...session, ...seen, bytes: 0, requests: [], closed: undefined };
    this.sessions.push(full);
    this.story.push(`opened ${key}`);
    return full;
  }

  private credit(session: ModelSession, reported: number): void {
    const bytes = reported > 0 ? reported : 0;
    session.bytes += bytes;
    this.counters.bytes += bytes;
  }

  private close(session: ModelSession, reason: string): void {
    const isOpen = session.connection || session.requests.length > 0;
    const until = isOpen && reason !== 'idle' ? this.now : session.updatedAt;
    session.closed = { at: this.now, reason, durationMs: Math.max(0, until - session.openedAt) };
    session.requests = [];
    this.counters.closed++;
    if (reason === 'idle') this.counters.idle++;
    if (reason === 'kicked') this.counters.kicked++;
    this.story.push(`closed ${session.key} ${reason} ${session.bytes}`);
  }
}

/** Token, else User-Agent: the best that tells viewers of one address and stream apart. */
const nameOf = ({ token, userAgent }: Viewer): string =>
  token === undefined ? `agent ${userAgent}` : `token ${token}`;

const sameIdentity = (a: Viewer, b: Viewer): boolean =>
  a.kind === b.kind && a.stream === b.stream && a.ip === b.ip && nameOf(a) === nameOf(b);
