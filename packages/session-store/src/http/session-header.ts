import { badOption, checkOptions } from '@stream-sessions/core/spi';
import type { Manager } from '../manager/create-manager.js';
import type { Session, SessionType } from '../session/session.js';
import { answerError, isInitialize } from './json-rpc.js';
import type { HeaderRequest, HeaderResponse } from './messages.js';

/** Options of {@link sessionHeader}. */
export interface SessionHeaderOptions<Req extends HeaderRequest = HeaderRequest> {
  /** The header that names the session, in requests and in the response that begins one; default `Mcp-Session-Id`. */
  header?: string | undefined;
  /** The type of the sessions it opens; those of another type are unknown here. Default `streamable`. */
  type?: SessionType | undefined;
  /**
   * Whether a request without the header begins a session. Default: a POST whose parsed body is a JSON-RPC `initialize`, so put
   * `express.json()` before it.
   */
  mayOpen?: ((req: Req) => boolean | Promise<boolean>) | undefined;
}

/** A Connect-style handler, for `app.use()`. */
export type SessionHeaderHandler<Req extends HeaderRequest = HeaderRequest> = (
  req: Req,
  res: HeaderResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

const UNKNOWN = -32_001;
const REFUSED = -32_000;
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const sessions = new WeakMap<object, Session>();

/** The session that `sessionHeader` found or opened for a request. */
export const sessionOf = (req: object): Session | undefined => sessions.get(req);

/**
 * Manages sessions for clients that name theirs in a header, as streamable HTTP (MCP) does. A request that is allowed to opens
 * one; on others, the session is refreshed, and available through `sessionOf(req)`. It responds itself with 404 and JSON-RPC
 * error −32001 for an unknown session, 400 without one, 503 while the store is unreachable, and 204 after a DELETE.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/mcp', express.json(), sessionHeader(manager), (req, res) => res.json(answer(sessionOf(req), req.body)));
 */
export function sessionHeader<Req extends HeaderRequest = HeaderRequest>(
  manager: Manager,
  options: SessionHeaderOptions<Req> = {},
): SessionHeaderHandler<Req> {
  checkOptions('sessionHeader()', options, ['header', 'type', 'mayOpen']);
  const { header = 'Mcp-Session-Id', type = 'streamable', mayOpen = isFirst } = options;
  if (typeof manager?.getOrThrow !== 'function') throw badOption('manager', 'createManager()', manager);
  if (typeof header !== 'string' || !TOKEN.test(header)) throw badOption('header', 'the name of a header', header);
  if (typeof mayOpen !== 'function') throw badOption('mayOpen', 'a function', mayOpen);
  const name = header.toLowerCase();

  /** True if the request may proceed; otherwise it has been answered. */
  async function admit(req: Req, res: HeaderResponse): Promise<boolean> {
    const given = req.headers[name];
    if (given === undefined) {
      if (!(await mayOpen(req))) return refuse(res, 400, REFUSED, `Bad Request: ${header} is required`, req);
      const opened = await manager.create(type);
      sessions.set(req, opened);
      res.setHeader(header, opened.id);
      return true;
    }
    const isLast = req.method === 'DELETE';
    const session = await (isLast ? manager.peek(String(given)) : manager.get(String(given)));
    if (session?.type !== type) return refuse(res, 404, UNKNOWN, 'Session not found', req);
    if (!isLast) {
      sessions.set(req, session);
      return true;
    }
    await manager.delete(session.id);
    res.statusCode = 204;
    res.end();
    return false;
  }

  return async (req, res, next) => {
    let mayGoOn: boolean;
    try {
      mayGoOn = await admit(req, res);
    } catch (error) {
      if ((error as { status?: unknown } | null)?.status !== 503) return next(error);
      mayGoOn = refuse(res, 503, REFUSED, 'Service Unavailable: sessions cannot be reached', req);
    }
    if (mayGoOn) next();
  };
}

function refuse(res: HeaderResponse, status: number, code: number, message: string, { body }: HeaderRequest): false {
  answerError(res, status, code, message, body);
  return false;
}

const isFirst = ({ method, body }: HeaderRequest): boolean => method === 'POST' && isInitialize(body);
