import type { Approval, Verdict } from '@stream-sessions/core';
import { FEWEST_MS, isDay, LAST_MS } from '@stream-sessions/core/spi';
import { isTags, MAX_TAGS } from '../support/tags.js';
import type { Payload } from './request.js';

/** The authoriser did not answer, or its answer cannot be interpreted. */
export class Unclear {
  constructor(
    /** For operators: contains nothing of what was sent. */
    readonly why: string,
  ) {}
}

/** Interprets a status and a body. Only a clear yes counts as one. */
export function readAnswer(payload: Payload, status: number, body: string): Verdict | Unclear {
  if (status === 408 || status === 429 || status >= 500 || status < 200 || (status >= 300 && status < 400)) {
    return new Unclear(`status ${status}`);
  }
  if (status >= 400) return no(status === 401 ? 'credentials' : 'forbidden', `the authoriser answered ${status}`);
  // MediaMTX considers only the status.
  if (payload === 'mediamtx') return YES;
  const text = body.trim();
  return payload === 'mistserver' ? yesOrNo(text) : text === '' ? YES : fromJson(text);
}

const YES: Verdict = Object.freeze({ allow: true });

const no = (kind: 'credentials' | 'forbidden', detail = 'the authoriser said no'): Verdict => ({
  allow: false,
  reason: 'unauthorized',
  kind,
  detail,
});

/**
 * MistServer's grammar, but stricter: there, anything that begins with 1, yes, true or cont is a yes, and everything else a no.
 * Here, an answer that is clearly neither, such as a proxy's error page, is not guessed at.
 */
function yesOrNo(text: string): Verdict | Unclear {
  if (/^(1|true|yes|cont(inue)?)$/i.test(text)) return YES;
  if (/^(0|false|f|no|n|off|on|y|t|)$/i.test(text)) return no('forbidden');
  return new Unclear('a body that is neither yes nor no');
}

/** `true`, `false`, or an object with `allow`; names as in this API or in snake case. */
function fromJson(text: string): Verdict | Unclear {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return new Unclear('a body that is not JSON');
  }
  if (said === true) return YES;
  if (said === false) return no('forbidden');
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return new Unclear('JSON that says no "allow"');
  const fields = Object.fromEntries(Object.entries(said).map(([name, value]) => [camel(name), value as unknown]));
  if (fields['allow'] === false) return refusal(fields);
  return fields['allow'] === true ? approval(fields) : new Unclear('an "allow" that is neither true nor false');
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const KINDS = ['credentials', 'forbidden', 'limit', 'overload'];

function refusal({ reason, kind, detail, denyForMs }: Record<string, unknown>): Verdict {
  return {
    allow: false,
    reason: isText(reason) ? reason : 'unauthorized',
    kind: KINDS.includes(kind as string) ? (kind as 'forbidden') : 'forbidden',
    detail: isText(detail) ? detail : 'the authoriser said no',
    ...(typeof denyForMs === 'number' && denyForMs >= 0 ? { denyForMs } : {}),
  };
}

/** A yes with an invalid part is not a clear yes, because that part may be a restriction. */
function approval(fields: Record<string, unknown>): Verdict | Unclear {
  const yes: Approval = { allow: true };
  for (const [name, { expected, read }] of Object.entries(PARTS)) {
    const given = fields[name];
    if (given === undefined || given === null) continue;
    const value = read(given);
    if (value === undefined) return new Unclear(`a yes whose "${name}" is not ${expected}`);
    Object.assign(yes, { [name]: value });
  }
  return yes;
}

interface Part {
  readonly expected: string;
  /** Undefined: it is invalid. */
  readonly read: (value: unknown) => unknown;
}

const MAX_TEXT_LENGTH = 1024;
const A_TEXT = `a string of 1 to ${MAX_TEXT_LENGTH} characters`;
const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH;

/** Beyond that, JSON.parse() rounds: several users would get one id, and with it the limits and passes of each other. */
const isExact = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;

const PARTS: Readonly<Partial<Record<keyof Approval, Part>>> = {
  userId: {
    expected: `${A_TEXT}, or a number up to 9007199254740991`,
    read: (value) => (isText(value) ? value : isExact(value) ? String(value) : undefined),
  },
  maxSessions: {
    expected: 'a non-negative integer',
    read: (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined),
  },
  expiresAt: { expected: 'a time: RFC 3339, epoch milliseconds or seconds', read: timeOf },
  issuedAt: { expected: 'a time: RFC 3339, epoch milliseconds or seconds', read: timeOf },
  tags: { expected: `an object of at most ${MAX_TAGS} strings`, read: (value) => (isTags(value) ? value : undefined) },
  pass: { expected: A_TEXT, read: (value) => (isText(value) ? value : undefined) },
};

/** The offset is required: without it, the time would mean a different moment on each machine. */
const RFC3339 = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/** RFC 3339, epoch milliseconds, or epoch seconds as in a JWT. */
function timeOf(value: unknown): number | undefined {
  const text =
    typeof value === 'string' && RFC3339.test(value) && isDay(value.slice(0, 10)) ? value.replace(' ', 'T') : '';
  const number = typeof value === 'number' ? value : Date.parse(text);
  const time = typeof value === 'number' && number < FEWEST_MS ? number * 1000 : number;
  return Math.abs(time) <= LAST_MS ? time : undefined;
}
