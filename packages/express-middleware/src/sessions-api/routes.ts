import {
  cursorOf,
  type PlaySession,
  type SessionDirectory,
  type SessionFilter,
  StreamSessionsError,
  type StreamSummary,
  toWire,
} from '@stream-sessions/core';
import {
  denialsToWire,
  denialToWire,
  explanationToWire,
  invalidatedToWire,
  invalidBody,
  invalidQuery,
  MAX_ROWS,
  notFound,
  oneOf,
  rowLimit,
  sessionsToWire,
  statsToWire,
  streamsToWire,
} from '@stream-sessions/core/spi';
import { readObject } from './body.js';
import { type FeedCall, openFeed } from './feed/open-feed.js';
import { denyFromBody } from './deny-from-body.js';
import { LIST_NAMES, onlyNames, readFilter, reasonOf, seconds, SWITCH } from './query.js';

/** One parsed request. */
export interface Call extends FeedCall {
  /** What the path names: a session, a stream or a denial. */
  readonly name: string;
}

/** The response: 200 with a body, 204 without, or the given status. */
type Reply = { readonly status?: number; readonly body?: unknown; readonly isAnswered?: true };
type Operation = (directory: SessionDirectory, call: Call) => Reply | Promise<Reply>;

/** A path of the API and its methods. HEAD is GET without the body. */
export interface Route {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, Operation>>;
}

export const ROUTES: readonly Route[] = [
  { path: /^\/sessions$/, methods: { GET: listSessions } },
  { path: /^\/sessions\/([^/]+)$/, methods: { GET: getSession, DELETE: kickSession } },
  { path: /^\/sessions\/([^/]+)\/explain$/, methods: { GET: explain } },
  { path: /^\/streams$/, methods: { GET: listStreams } },
  { path: /^\/streams\/(.+)\/sessions$/, methods: { GET: listSessionsOfStream } },
  { path: /^\/denials$/, methods: { GET: listDenials, POST: addDenial } },
  { path: /^\/denials\/([^/]+)$/, methods: { DELETE: liftDenial } },
  { path: /^\/denials\/([^/]+)\/explain$/, methods: { GET: explain } },
  { path: /^\/invalidate$/, methods: { POST: invalidate } },
  { path: /^\/reauthorize$/, methods: { POST: reauthorize } },
  { path: /^\/stats$/, methods: { GET: stats } },
  { path: /^\/events$/, methods: { GET: events } },
];

function listSessions(directory: SessionDirectory, call: Call): Promise<Reply> {
  return page(directory, readFilter(call));
}

function listSessionsOfStream(directory: SessionDirectory, call: Call): Promise<Reply> {
  const names = LIST_NAMES.filter((allowed) => allowed !== 'stream');
  return page(directory, { ...readFilter(call, names), stream: call.name });
}

async function page(
  directory: SessionDirectory,
  { limit: rows, ...filter }: SessionFilter & { limit: number },
): Promise<Reply> {
  const { after, ...everyPage } = filter;
  try {
    // one extra row shows whether there is another page
    const most = Math.min(rows + 1, MAX_ROWS);
    const [found, stats] = await Promise.all([directory.list({ ...filter, limit: most }), directory.stats()]);
    const sessions = found.slice(0, rows);
    const isMore = found.length > rows || (found.length === MAX_ROWS && (await isAnyAfter(directory, filter, found)));
    const last = isMore ? sessions.at(-1) : undefined;
    const isAll = after === undefined && last === undefined;
    const total = isAll ? found.length : await directory.count(everyPage); // counting may walk all of them once more
    const next = last && cursorOf(last, filter.order);
    const body = sessionsToWire({ sessions, allVisits: filter.visits === 'all', total, stats, next });
    return { body: found.partial === true ? { ...body, partial: true, missing: found.missing } : body };
  } catch (error) {
    throw error instanceof StreamSessionsError ? refused(error) : error;
  }
}

/** The longest page has no room for an extra row: a cluster does not list more rows at once. */
async function isAnyAfter(
  directory: SessionDirectory,
  filter: SessionFilter,
  rows: readonly PlaySession[],
): Promise<boolean> {
  const after = cursorOf(rows.at(-1) as PlaySession, filter.order);
  return (await directory.list({ ...filter, after, limit: 1 })).length > 0;
}

function refused(error: StreamSessionsError): Error {
  if (error.code === 'ERR_TOO_MANY_ROWS') return invalidQuery(error.message);
  if (error.code !== 'ERR_BAD_CURSOR') return error;
  return invalidQuery('after: this is not the `next` of a page in this order. Allowed: what the page before gave.');
}

async function getSession(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const session = await directory.get(call.name);
  if (session === undefined) throw notFound('There is no such session.');
  return { body: toWire(session) };
}

/** Of the session or denial that has this id. */
async function explain(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const explanation = await directory.explain(call.name);
  if (explanation === undefined) throw notFound('There is no such session or denial.');
  return { body: explanationToWire(explanation) };
}

async function kickSession(directory: SessionDirectory, call: Call): Promise<Reply> {
  const { query, name } = call;
  onlyNames(call, ['deny_for', 'reason', 'revoke']);
  const denyForMs = seconds('deny_for', query.get('deny_for'));
  const reason = query.get('reason');
  const revoke = oneOf('revoke', query.get('revoke') || 'false', SWITCH) === 'true';
  const options = {
    ...(revoke ? { revoke: true } : {}),
    ...(denyForMs === undefined ? {} : { denyForMs }),
    ...(reason ? { reason: reasonOf(reason) } : {}),
  };
  const kicked = await directory.kick(name, options);
  if (kicked === false) throw notFound('There is no such live session.');
  await directory.saved?.();
  // some nodes of a cluster have not received it yet
  return kicked === true || kicked.pending.length === 0 ? {} : { status: 202, body: kicked };
}

const byAudience = (a: StreamSummary, b: StreamSummary): number =>
  b.viewers - a.viewers || (a.stream < b.stream ? -1 : 1);

/** The streams with the most viewers first: a client can invent streams, which must not hide the real ones. */
async function listStreams(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, ['limit']);
  const streams = await directory.streams();
  const shown = [...streams].sort(byAudience).slice(0, rowLimit(call.query.get('limit')));
  return { body: streamsToWire(shown, streams.length) };
}

/** Newest first. */
async function listDenials(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, ['limit']);
  const denials = await directory.denials();
  const shown = [...denials].sort((a, b) => b.since - a.since).slice(0, rowLimit(call.query.get('limit')));
  return { body: denialsToWire(shown, denials.length) };
}

async function addDenial(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const denial = await denyFromBody(directory, await readObject(call.req));
  await directory.saved?.();
  const body = denialToWire(denial);
  // some nodes of a cluster have not received it yet
  const isPending = 'pending' in denial && denial.pending.length > 0;
  return isPending ? { status: 202, body: { ...body, pending: denial.pending } } : { status: 201, body };
}

async function liftDenial(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  if (!(await directory.liftDenial(call.name))) throw notFound('There is no such denial.');
  await directory.saved?.();
  return {};
}

async function invalidate(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const { streams, ...rest } = await readObject(call.req);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw invalidBody(`Unknown field ${JSON.stringify(unknown.slice(0, 64))}. Known: streams.`);
  if (streams !== undefined && !isTexts(streams)) throw invalidBody('streams must be a stream code or a list of them.');
  return { body: invalidatedToWire(await directory.invalidate(streams)) };
}

async function reauthorize(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const { user, session_id: session, ...rest } = await readObject(call.req);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw invalidBody(`Unknown field ${JSON.stringify(unknown.slice(0, 64))}. Known: user, session_id.`);
  const isName = (value: unknown): value is string | undefined =>
    value === undefined || (typeof value === 'string' && value !== '');
  if (!isName(user) || !isName(session) || (user === undefined && session === undefined)) {
    throw invalidBody('Name a user or a session_id, as a string.');
  }
  const target = { ...(user === undefined ? {} : { user }), ...(session === undefined ? {} : { session }) };
  return { body: invalidatedToWire(await directory.reauthorize(target)) };
}

const isTexts = (value: unknown): value is string | string[] =>
  typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'));

async function stats(directory: SessionDirectory, call: Call): Promise<Reply> {
  onlyNames(call, []);
  return { body: statsToWire(await directory.stats()) };
}

function events(_directory: SessionDirectory, call: Call): Reply {
  openFeed(call);
  return { isAnswered: true };
}
