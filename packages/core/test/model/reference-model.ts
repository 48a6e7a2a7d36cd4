import { namedBy, whose } from './who.js';

/**
 * The tracker as the documents describe it, as plainly as it can be said: arrays, walked from end to end. Written from
 * the architecture notes, not from the code. Default recipe (stream + ip + token), no policies.
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
  /** What its player calls itself; the latest last. */
  sids: string[];
  /** The name it was opened with: who comes back with that has its id. */
  openedAs: string;
  /** Nothing was served to it yet: nobody sees it. */
  unserved: boolean;
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
  sid: string | undefined;
}

interface ModelDenial {
  until: number;
  /** Made again for the same target, a denial replaces the one before, and ends no sooner. */
  target: string;
  refuses(viewer: Asker): boolean;
}

interface Asker extends Viewer {
  protocol: string;
  connection: boolean;
  /** It has a live session there; a name that arrives has none yet. */
  watches: boolean;
  /** It is found by more than its User-Agent, or by what its session goes by. */
  byName: boolean;
}

export interface ModelOptions {
  idleTimeoutMs: number;
  maxLifetimeMs: number;
  stallTimeoutMs: number;
  deniedRetentionMs: number;
  kickByAddress: 'never' | 'connections' | 'always';
  enabled: boolean;
  maxSessions: number;
  aliases: boolean;
}

export class ReferenceModel {
  now = 0;
  readonly sessions: ModelSession[] = [];
  denials: ModelDenial[] = [];
  readonly story: string[] = [];
  readonly counters = { opened: 0, closed: 0, idle: 0, kicked: 0, bytes: 0 };
  private readonly served = new Set<string>();
  private lastRequest = 0;

  constructor(readonly options: ModelOptions) {}

  get live(): ModelSession[] {
    return this.sessions.filter(({ closed }) => closed === undefined);
  }

  /** What everybody sees. */
  get listed(): ModelSession[] {
    return this.sessions.filter(({ unserved }) => !unserved);
  }

  /** A segment that was served (`trackHttp`), or a request that is asked for (`admit`), and may fail (`tentative`). */
  hit(
    viewer: Viewer,
    protocol: string,
    bytes: number,
    how: 'tracked' | 'asked' | 'tentative',
  ): ModelSession | 'refused' | 'untracked' {
    const home = this.live.filter((one) => !one.connection && isAt(one, viewer));
    const { session: known, arrives } = whose(viewer, home, this.options.aliases);
    const isNamed = viewer.token !== undefined || viewer.sid !== undefined;
    const byName = known === undefined || isNamed || namedBy(known) === 'agent';
    const asker = { ...viewer, protocol, connection: false, watches: known !== undefined && !arrives, byName };
    if (this.isRefused(asker)) return 'refused';
    if (!this.options.enabled) return 'untracked';
    if (known === undefined && this.live.length >= this.options.maxSessions) return 'untracked';
    const unserved = how === 'tentative' && !this.isServed(viewer.stream);
    const session = known ?? this.open(viewer, protocol, false, unserved);
    if (known !== undefined) session.updatedAt = this.now;
    this.learn(session, viewer);
    if (!session.protocols.includes(protocol)) session.protocols.push(protocol);
    if (how !== 'tentative') this.show(session);
    if (how === 'tracked' && known === undefined) this.served.add(viewer.stream);
    this.credit(session, bytes);
    return session;
  }

  connect(viewer: Viewer, protocol: string): ModelSession | 'refused' | 'untracked' {
    const asker = { ...viewer, sid: undefined, protocol, connection: true, watches: false, byName: true };
    if (this.isRefused(asker)) return 'refused';
    if (!this.options.enabled || this.live.length >= this.options.maxSessions) return 'untracked';
    return this.open({ ...viewer, sid: undefined }, protocol, true, false);
  }

  /** Something was served to it: from now on it is seen. */
  show(session: ModelSession): void {
    if (!session.unserved || session.closed !== undefined) return;
    session.unserved = false;
    session.key = `s${++this.counters.opened}`;
    this.served.add(session.stream);
    this.story.push(`opened ${session.key}`);
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
    if (bytes > 0) this.show(session);
    this.credit(session, bytes);
  }

  endRequest(session: ModelSession, request: number, bytes: number): void {
    this.touch(session, request, bytes);
    session.requests = session.requests.filter(({ id }) => id !== request);
    this.closeIfNotServed(session);
  }

  private closeIfNotServed(session: ModelSession): void {
    if (session.unserved && session.requests.length === 0) this.close(session, 'not_served');
  }

  closeConnection(session: ModelSession, bytes: number): void {
    if (session.closed !== undefined) return;
    this.touch(session, undefined, bytes);
    this.close(session, 'client_gone');
  }

  kick(session: ModelSession): boolean {
    if (session.closed !== undefined) return false;
    const { userAgents, token, sids, connection } = session;
    const when = this.options.kickByAddress;
    const isAlike = (viewer: Asker): boolean => userAgents.includes(viewer.userAgent);
    const isSame = (viewer: Asker): boolean =>
      (token !== undefined && viewer.token === token) || (viewer.sid !== undefined && sids.includes(viewer.sid));
    // the agent of a connection cannot be compared
    const byAddress = (viewer: Asker): boolean =>
      when === 'always' || (when === 'connections' && (connection || viewer.connection));
    if (this.options.deniedRetentionMs > 0) {
      this.denials.push({
        until: this.now + this.options.deniedRetentionMs,
        target: '',
        refuses: (viewer) => {
          if (!isAt(session, viewer)) return false;
          if (!viewer.watches && (isSame(viewer) || byAddress(viewer) || isAlike(viewer))) return true;
          // without a token, the player's own name was the viewer's
          return token === undefined && !viewer.byName && isAlike(viewer);
        },
      });
    }
    this.close(session, 'kicked');
    return true;
  }

  deny(target: Partial<Viewer>, forMs: number): void {
    const names = (one: Partial<Viewer>): boolean =>
      Object.entries(target).every(([field, value]) => one[field as keyof Viewer] === value);
    const key = JSON.stringify(target);
    const before = this.denials.find((denial) => denial.target === key)?.until ?? 0;
    this.denials = this.denials.filter((denial) => denial.target !== key);
    this.denials.push({ until: Math.max(before, this.now + forMs), target: key, refuses: names });
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
      else {
        session.requests = session.requests.filter((request) => !stalled(request));
        this.closeIfNotServed(session);
      }
    }
  }

  shutDown(): void {
    for (const session of this.live) this.close(session, 'shutdown');
  }

  private isRefused(viewer: Asker): boolean {
    return this.denials.some((denial) => denial.until > this.now && denial.refuses(viewer));
  }

  private isServed(stream: string): boolean {
    const here = this.sessions.filter((one) => one.stream === stream && !one.unserved);
    return this.served.has(stream) || here.some(({ bytes }) => bytes > 0);
  }

  /** What else it was seen with. */
  private learn(session: ModelSession, { token, sid, userAgent }: Viewer): void {
    session.userAgent = userAgent;
    if (!session.userAgents.includes(userAgent)) session.userAgents.push(userAgent);
    if (this.options.aliases) session.token ??= token;
    if (sid === undefined || sid === session.sids.at(-1)) return;
    session.sids = [...session.sids.filter((one) => one !== sid), sid];
  }

  private open(viewer: Viewer, protocol: string, connection: boolean, unserved: boolean): ModelSession {
    const { kind, stream, ip, userAgent, token, sid } = viewer;
    const openedAs = nameOf(viewer);
    // A visit is (identity, openedAt): who comes back within the same millisecond opens one later.
    const isBack = (one: ModelSession): boolean =>
      !connection && !one.connection && isAt(one, viewer) && one.openedAs === openedAs;
    const before = this.listed.filter(isBack).map((visit) => visit.openedAt + 1);
    const openedAt = Math.max(this.now, ...before);
    const names = { token, sids: sid === undefined ? [] : [sid], userAgents: [userAgent], protocols: [protocol] };
    const session: ModelSession = {
      ...{ key: '', kind, stream, ip, userAgent, openedAs, unserved: true, ...names },
      ...{ openedAt, updatedAt: openedAt, connection, bytes: 0, requests: [], closed: undefined },
    };
    this.sessions.push(session);
    if (!unserved) {
      const wasServed = this.served.has(stream);
      this.show(session);
      if (!wasServed) this.served.delete(stream);
    }
    return session;
  }

  private credit(session: ModelSession, reported: number): void {
    const bytes = reported > 0 ? reported : 0;
    session.bytes += bytes;
    this.counters.bytes += bytes;
  }

  private close(session: ModelSession, reason: string): void {
    if (session.closed !== undefined) return;
    const isOpen = session.connection || session.requests.length > 0;
    const until = isOpen && reason !== 'idle' ? this.now : session.updatedAt;
    session.closed = { at: this.now, reason, durationMs: Math.max(0, until - session.openedAt) };
    session.requests = [];
    if (session.unserved) {
      this.sessions.splice(this.sessions.indexOf(session), 1);
      return;
    }
    this.counters.closed++;
    if (reason === 'idle') this.counters.idle++;
    if (reason === 'kicked') this.counters.kicked++;
    this.story.push(`closed ${session.key} ${reason} ${session.bytes}`);
  }
}

/** The best that tells viewers of one address and stream apart. */
const nameOf = ({ token, sid, userAgent }: Viewer): string =>
  token !== undefined ? `token ${token}` : sid !== undefined ? `sid ${sid}` : `agent ${userAgent}`;

const isAt = (a: Pick<Viewer, 'kind' | 'stream' | 'ip'>, b: Viewer): boolean =>
  a.kind === b.kind && a.stream === b.stream && a.ip === b.ip;
