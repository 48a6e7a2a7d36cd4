import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamSessionsError, streamCode, tokenFromQuery } from '@stream-sessions/core';
import { atOnce, badOption, isOwnOrigin } from '@stream-sessions/core/spi';
import type { ConnectionTracker } from '../connection.js';
import { Connections } from '../connections.js';
import { HEARTBEAT_SCRIPT } from '../script.js';
import { answer, allowOrigin } from './answer.js';
import { readBody, type Said } from './body.js';
import { settingsOf, type Client, type HeartbeatApiOptions, type HeartbeatApiSettings } from './options.js';

/** A Connect-style handler, for `app.use()` of Express and `connect`, and for plain `http`. */
export type HeartbeatHandler = (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void) => void;

/**
 * Lets pages report that they are there, and apps list those that do.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/beat', heartbeatApi(connections, { authorize: localOnly }));
 */
export function heartbeatApi(connections: ConnectionTracker, options: HeartbeatApiOptions = {}): HeartbeatHandler {
  if (!(connections instanceof Connections)) {
    throw badOption('heartbeatApi: the first argument', 'what createConnectionTracker() returned', connections);
  }
  const api = new Api(connections, settingsOf(options, connections.windowMs));
  return (req, res, next) => {
    api.handle(req, res, next).catch((error: unknown) => {
      if (next !== undefined) next(error);
      else answer(res, 500, { reason: 'error' });
    });
  };
}

const ROUTES = {
  script: /^\/heartbeat\.js$/,
  connections: /^\/streams\/([^/]{1,1024})\/connections$/,
  one: /^\/connections\/([^/]{1,256})\/(heartbeat|end)$/,
};

class Api {
  constructor(
    private readonly connections: Connections,
    private readonly settings: HeartbeatApiSettings,
  ) {}

  async handle(req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): Promise<void> {
    const [path = '', query = ''] = (req.url ?? '').split('?', 2);
    const stream = ROUTES.connections.exec(path)?.[1];
    const [, id, verb] = ROUTES.one.exec(path) ?? [];
    const isScript = ROUTES.script.test(path);
    if (stream === undefined && id === undefined && !isScript) {
      if (next !== undefined) return next();
      return answer(res, 404, { reason: 'not_found' });
    }
    // for operators, and not for pages of elsewhere to read
    if (stream !== undefined && req.method === 'GET') return this.list(req, res, stream);
    allowOrigin(req, res, this.settings.origins);
    if (req.method === 'OPTIONS') return answer(res, 204);
    if (isScript && (req.method === 'GET' || req.method === 'HEAD')) return sendScript(req, res);
    if (isScript || req.method !== 'POST') {
      res.setHeader('Allow', isScript ? 'GET, HEAD' : stream === undefined ? 'POST' : 'GET, POST');
      return answer(res, 405, { reason: 'bad_method' });
    }
    if (!this.mayBeat(req)) return answer(res, 403, { reason: 'bad_origin' });
    const said = await readBody(req);
    if (said === undefined) return answer(res, 400, { reason: 'bad_body' });
    await this.connections.ready;
    if (stream !== undefined) return this.begin(req, res, stream, query, said.sid);
    const token = (): string | undefined => this.clientOf(req, query).token;
    return this.go(res, decoded(id as string) ?? '', verb as string, said, token);
  }

  /** A browser sends what it does not let the page read. What sends no origin is no page. */
  private mayBeat({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage): boolean {
    const { origins } = this.settings;
    if (origins === '*' || origin === undefined || origins.includes(origin)) return true;
    // behind a proxy that does not pass the Host on, the browser knows better
    return site === 'same-origin' || isOwnOrigin(origin, host);
  }

  /** @throws StreamSessionsError ERR_BAD_OPTION if the app's function does not say who it is: the browser cannot help that */
  private clientOf(req: IncomingMessage, query: string): Client {
    const client = atOnce(this.settings.client?.(req), 'client()') ?? clientOf(req, query);
    if (typeof client.ip === 'string') return client;
    throw badOption('The result of client', 'an object with an ip', client);
  }

  private async begin(
    req: IncomingMessage,
    res: ServerResponse,
    name: string,
    query: string,
    sid?: string,
  ): Promise<void> {
    const stream = codeOf(name);
    if (stream === undefined) return answer(res, 400, { reason: 'bad_stream' });
    const client = this.clientOf(req, query);
    if (this.connections.countOfAddress(client.ip) >= this.settings.maxPerAddress) {
      res.setHeader('Retry-After', Math.ceil(this.connections.windowMs / 1000));
      return answer(res, 429, { reason: 'too_many_connections' });
    }
    const { ip: clientIp, userAgent, token } = client;
    try {
      const added = await this.connections.addConnection({ sessionId: stream, clientIp, userAgent, token, sid });
      if (!added.admitted) return answer(res, added.status, { reason: added.reason });
      const { id } = added.connection;
      return answer(res, 201, { id, key: this.connections.keyOf(id), interval: this.settings.intervalMs });
    } catch (error) {
      if (!(error instanceof StreamSessionsError)) throw error;
      const isFull = error.code === 'ERR_TOO_MANY_CONNECTIONS';
      return answer(res, isFull ? 503 : 400, { reason: isFull ? 'overload' : 'bad_connection' });
    }
  }

  private go(res: ServerResponse, id: string, verb: string, { key, sid }: Said, token: () => string | undefined): void {
    // a wrong key must not reveal who is there
    if (key === undefined || !this.connections.isKeyOf(id, key)) {
      return answer(res, 403, { reason: key === undefined ? 'no_key' : 'wrong_key' });
    }
    if (verb === 'end') {
      this.connections.removeConnection(id);
      return answer(res, 204);
    }
    const outcome = this.connections.beat(id, () => ({ token: token(), sid }));
    if (outcome === undefined) return answer(res, 204);
    if (outcome === 'unknown') return answer(res, 404, { reason: 'not_found' });
    return answer(res, 410, { reason: outcome.reason });
  }

  private async list(req: IncomingMessage, res: ServerResponse, name: string): Promise<void> {
    let isAllowed = false;
    try {
      isAllowed = (await this.settings.authorize(req)) === true;
    } catch {
      // throwing means refusing
    }
    if (!isAllowed) return answer(res, 403, { reason: 'forbidden' });
    const stream = codeOf(name);
    if (stream === undefined) return answer(res, 400, { reason: 'bad_stream' });
    const connections = this.connections.getActiveConnections(stream).map((one) => ({
      id: one.id,
      session_id: one.sessionId,
      user_id: one.userId,
      client_ip: one.clientIp,
      user_agent: one.userAgent,
      connected_at: new Date(one.connectedAt).toISOString(),
      last_heartbeat: new Date(one.lastHeartbeat).toISOString(),
    }));
    return answer(res, 200, { connections, count: connections.length });
  }
}

function sendScript(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader('Content-Type', 'text/javascript; charset=utf-8');
  res.setHeader('Cache-Control', 'public, max-age=3600');
  res.setHeader('Content-Length', Buffer.byteLength(HEARTBEAT_SCRIPT));
  res.end(req.method === 'HEAD' ? undefined : HEARTBEAT_SCRIPT);
}

function clientOf(req: IncomingMessage & { ip?: string }, query: string): Client {
  const ip = req.ip ?? req.socket.remoteAddress ?? '127.0.0.1';
  return { ip, userAgent: req.headers['user-agent'], token: tokenFromQuery(query) || undefined };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const codeOf = (name: string): string | undefined => {
  const text = decoded(name);
  return text === undefined ? undefined : streamCode(text);
};
