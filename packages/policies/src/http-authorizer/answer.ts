import type { Approval, Verdict } from '@stream-sessions/core';
import type { Payload } from './request.js';

/** The authoriser answered, but what it says is no answer. */
export const UNCLEAR = Symbol('unclear');
export type Answer = Verdict | typeof UNCLEAR;

/** What a status and a body mean. Only what is clearly a yes is one. */
export function readAnswer(payload: Payload, status: number, body: string): Answer {
  if (status === 408 || status === 429 || status >= 500 || (status >= 300 && status < 400)) return UNCLEAR;
  if (status >= 400) return no(status === 401 ? 'credentials' : 'forbidden', undefined);
  if (status < 200) return UNCLEAR;
  // MediaMTX looks at nothing but the status.
  if (payload === 'mediamtx') return YES;
  const text = body.trim();
  return payload === 'mistserver' ? yesOrNo(text) : text === '' ? YES : fromJson(text);
}

const YES: Verdict = Object.freeze({ allow: true });

const no = (
  kind: 'credentials' | 'forbidden' | 'limit',
  detail: string | undefined,
  reason = 'unauthorized',
): Verdict => ({
  allow: false,
  reason,
  kind,
  ...(detail === undefined ? {} : { detail }),
});

/** MistServer's grammar: what is not clearly a yes or a no is not guessed at. */
function yesOrNo(text: string): Answer {
  if (/^(1|true|yes|y|t|on|cont)$/i.test(text)) return YES;
  return /^(0|false|no|n|f|off|)$/i.test(text) ? no('forbidden', undefined) : UNCLEAR;
}

/** `true`, `false`, or an object with `allow`; names as they are here or in snake case. */
function fromJson(text: string): Answer {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return UNCLEAR;
  }
  if (said === true) return YES;
  if (said === false) return no('forbidden', undefined);
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return UNCLEAR;
  const fields = Object.fromEntries(Object.entries(said).map(([name, value]) => [camel(name), value as unknown]));
  if (fields['allow'] === false) return refusal(fields);
  return fields['allow'] === true ? approval(fields) : UNCLEAR;
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const KINDS = ['credentials', 'forbidden', 'limit', 'overload'];

function refusal({ reason, kind, detail, denyForMs }: Record<string, unknown>): Verdict {
  return {
    allow: false,
    reason: isText(reason) ? reason : 'unauthorized',
    kind: KINDS.includes(kind as string) ? (kind as 'forbidden') : 'forbidden',
    ...(isText(detail) ? { detail } : {}),
    ...(typeof denyForMs === 'number' && denyForMs >= 0 ? { denyForMs } : {}),
  };
}

/** A yes with a part that makes no sense is no clear yes: it may be the part that restricts. */
function approval({ userId, maxSessions, expiresAt, tags, pass }: Record<string, unknown>): Answer {
  const yes: Approval = { allow: true };
  if (isGiven(userId)) {
    if (!isText(userId) && typeof userId !== 'number') return UNCLEAR;
    yes.userId = String(userId);
  }
  if (isGiven(maxSessions)) {
    if (typeof maxSessions !== 'number' || !(maxSessions >= 0)) return UNCLEAR;
    yes.maxSessions = maxSessions;
  }
  if (isGiven(expiresAt)) {
    const time = timeOf(expiresAt);
    if (time === undefined) return UNCLEAR;
    yes.expiresAt = time;
  }
  if (isGiven(tags)) {
    if (!isTags(tags)) return UNCLEAR;
    yes.tags = tags;
  }
  if (isGiven(pass)) {
    if (!isText(pass)) return UNCLEAR;
    yes.pass = pass;
  }
  return yes;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 1024;
const isTags = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => typeof text === 'string');

/** RFC 3339, epoch milliseconds, or epoch seconds as in a JWT: below this, milliseconds would be in 1973. */
const FEWEST_MS = 1e11;

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value : NaN;
  if (!Number.isFinite(time)) return undefined;
  return typeof value === 'number' && time < FEWEST_MS ? time * 1000 : time;
}
