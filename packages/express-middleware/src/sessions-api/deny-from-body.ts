import type { Denial, DenialTarget, SessionDirectory, SharedDenial } from '@stream-sessions/core';
import { StreamSessionsError } from '@stream-sessions/core';
import { invalidBody, isDay } from '@stream-sessions/core/spi';
import { reasonOf } from './query.js';

/** Wire names of the fields of a target; the query names of the session list are accepted, too. */
const FIELDS: Readonly<Record<string, keyof DenialTarget>> = {
  session: 'session',
  user: 'user',
  token: 'token',
  ip: 'ip',
  user_agent: 'userAgent',
  stream_code: 'stream',
  stream: 'stream',
  proto: 'protocol',
  issued_before: 'issuedBefore',
};

const KNOWN = 'session, user, token, ip, user_agent, stream_code, proto, issued_before';
const MAX_DENY_SECONDS = 999_999_999;

/**
 * Denies what the body names: `{ "target": { "ip": "203.0.113.7", "stream_code": "cam1" }, "deny_for": 600, "reason": "…" }`, or
 * the fields of the target at the top level.
 *
 * @throws ApiError 400 if it is not clear who is meant.
 */
export async function denyFromBody(
  directory: SessionDirectory,
  body: Record<string, unknown>,
): Promise<Denial | SharedDenial> {
  const { deny_for: denyFor, reason, target: nested, ...flat } = body;
  if (nested !== undefined && Object.keys(flat).length > 0) {
    throw invalidBody(`Unknown field "${Object.keys(flat)[0]?.slice(0, 64)}". Known: target, deny_for, reason.`);
  }
  if (reason !== undefined && typeof reason !== 'string') throw invalidBody('reason must be a string.');
  const target = targetOf(nested === undefined ? flat : nested);
  try {
    const forMs = milliseconds(denyFor);
    return await directory.deny(target, {
      ...(forMs === undefined ? {} : { forMs }),
      ...(reason === undefined ? {} : { reason: reasonOf(reason) }),
    });
  } catch (error) {
    throw error instanceof StreamSessionsError && error.code === 'ERR_BAD_DENIAL' ? invalidBody(error.message) : error;
  }
}

function targetOf(fields: unknown): DenialTarget {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw invalidBody(`target must be an object. Known fields: ${KNOWN}.`);
  }
  const target: Partial<Record<keyof DenialTarget, unknown>> = {};
  for (const [name, value] of Object.entries(fields)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field === undefined) throw invalidBody(`Unknown field ${JSON.stringify(name.slice(0, 64))}. Known: ${KNOWN}.`);
    if (field in target) throw invalidBody(`${name} is given twice.`);
    if (value === undefined) continue;
    // deny() says the same, under its own names of the fields
    if (field !== 'issuedBefore' && (typeof value !== 'string' || value === '')) {
      throw invalidBody(`${name} must be a string that is not empty.`);
    }
    target[field] = field === 'issuedBefore' ? timeOf(value) : value;
  }
  if ('issuedBefore' in target && !('user' in target)) {
    throw invalidBody('issued_before is about what was issued to a user: name the "user" as well.');
  }
  return target as DenialTarget;
}

/** The offset is required: without it, the time would mean a different moment on each machine. */
const RFC3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

function timeOf(value: unknown): number {
  const [text, day] = (typeof value === 'string' && RFC3339.exec(value)) || ['', ''];
  const time = Date.parse(text);
  if (Number.isFinite(time) && isDay(day)) return time;
  throw invalidBody('issued_before must be a time such as "2026-01-01T12:00:00Z".');
}

function milliseconds(seconds: unknown): number | undefined {
  if (seconds === undefined) return undefined;
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_DENY_SECONDS) return Math.round(seconds * 1000);
  throw invalidBody(`deny_for must be a number of seconds, 0 to ${MAX_DENY_SECONDS}.`);
}
