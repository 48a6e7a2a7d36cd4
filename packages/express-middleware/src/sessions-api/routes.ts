import {
  cursorOf,
  type SessionFilter,
  type SessionTracker,
  StreamSessionsError,
  type StreamSummary,
  toWire,
} from '@stream-sessions/core';
import {
  denialToWire,
  explanationToWire,
  invalidatedToWire,
  statsToWire,
  totalsToWire,
  streamToWire,
  visitToWire,
} from '@stream-sessions/core/spi';
import type { PlaybackRequest } from '../connect.js';
import { invalidBody, invalidQuery, notFound } from './answer.js';
import { readObject } from './body.js';
import { denyFromBody } from './deny-from-body.js';
import { type Asked, limit, LIST_NAMES, onlyNames, readFilter, reasonOf, seconds } from './query.js';

/** One request, taken apart. */
export interface Call extends Asked {
  readonly req: PlaybackRequest;
  /** What the path names: a session, a stream, a denial. */
  readonly name: string;
}

/** What to answer: 200 with a body, 204 without, or as it says. */
type Reply = { readonly status?: number; readonly body?: unknown };
type Operation = (tracker: SessionTracker, call: Call) => Reply | Promise<Reply>;

/** A path of the API and what can be done there. HEAD is GET without the body. */
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
];

function listSessions(tracker: SessionTracker, call: Call): Reply {
  return page(tracker, readFilter(call));
}

function listSessionsOfStream(tracker: SessionTracker, call: Call): Reply {
  const names = LIST_NAMES.filter((allowed) => allowed !== 'stream');
  return page(tracker, { ...readFilter(call, names), stream: call.name });
}

function page(tracker: SessionTracker, { limit: rows, ...filter }: SessionFilter & { limit: number }): Reply {
  const { after, ...everyPage } = filter;
  try {
    // one row more tells whether there is another page
    const found = tracker.list({ ...filter, limit: rows + 1 });
    const sessions = found.slice(0, rows);
    const last = sessions.at(-1);
    const isAll = after === undefined && found.length <= rows;
    return {
      body: {
        sessions: sessions.map(filter.visits === 'all' ? visitToWire : toWire),
        total_count: isAll ? found.length : tracker.count(everyPage), // counting may walk all of them once more
        stats: totalsToWire(tracker.stats()),
        ...(found.length > rows && last !== undefined ? { next: cursorOf(last, filter.order) } : {}),
      },
    };
  } catch (error) {
    throw error instanceof StreamSessionsError ? refused(error) : error;
  }
}

function refused(error: StreamSessionsError): Error {
  if (error.code === 'ERR_TOO_MANY_ROWS') return invalidQuery(error.message);
  if (error.code !== 'ERR_BAD_CURSOR') return error;
  return invalidQuery('after: this is not the `next` of a page in this order. Allowed: what the page before gave.');
}

function getSession(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, []);
  const session = tracker.get(call.name);
  if (session === undefined) throw notFound('There is no such session.');
  return { body: toWire(session) };
}

/** Of a session or a denial, whichever has this id. */
function explain(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, []);
  const explanation = tracker.explain(call.name);
  if (explanation === undefined) throw notFound('There is no such session or denial.');
  return { body: explanationToWire(explanation) };
}

function kickSession(tracker: SessionTracker, call: Call): Reply {
  const { query, name } = call;
  onlyNames(call, ['deny_for', 'reason']);
  const denyForMs = seconds('deny_for', query.get('deny_for'));
  const reason = query.get('reason');
  const options = {
    ...(denyForMs === undefined ? {} : { denyForMs }),
    ...(reason ? { reason: reasonOf(reason) } : {}),
  };
  if (!tracker.kick(name, options)) throw notFound('There is no such live session.');
  return {};
}

const byAudience = (a: StreamSummary, b: StreamSummary): number =>
  b.viewers - a.viewers || (a.stream < b.stream ? -1 : 1);

/** The streams with the most viewers first: a client can invent streams, and they should not hide the real ones. */
function listStreams(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, ['limit']);
  const streams = tracker.streams();
  const shown = streams.sort(byAudience).slice(0, limit(call.query.get('limit')));
  return { body: { streams: shown.map(streamToWire), total_count: streams.length } };
}

/** The newest first. */
function listDenials(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, ['limit']);
  const denials = tracker.denials();
  const shown = denials.sort((a, b) => b.since - a.since).slice(0, limit(call.query.get('limit')));
  return { body: { denials: shown.map(denialToWire), total_count: denials.length } };
}

async function addDenial(tracker: SessionTracker, call: Call): Promise<Reply> {
  onlyNames(call, []);
  return { status: 201, body: denialToWire(denyFromBody(tracker, await readObject(call.req))) };
}

function liftDenial(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, []);
  if (!tracker.liftDenial(call.name)) throw notFound('There is no such denial.');
  return {};
}

async function invalidate(tracker: SessionTracker, call: Call): Promise<Reply> {
  onlyNames(call, []);
  const { streams, ...rest } = await readObject(call.req);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw invalidBody(`Unknown field ${JSON.stringify(unknown.slice(0, 64))}. Known: streams.`);
  if (streams !== undefined && !isTexts(streams)) throw invalidBody('streams must be a stream code or a list of them.');
  return { body: invalidatedToWire(await tracker.invalidate(streams)) };
}

async function reauthorize(tracker: SessionTracker, call: Call): Promise<Reply> {
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
  return { body: invalidatedToWire(await tracker.reauthorize(target)) };
}

const isTexts = (value: unknown): value is string | string[] =>
  typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'));

function stats(tracker: SessionTracker, call: Call): Reply {
  onlyNames(call, []);
  return { body: statsToWire(tracker.stats()) };
}
