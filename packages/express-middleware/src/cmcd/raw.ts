import type { IncomingHttpHeaders } from 'node:http';

/** CTA-5004 sends a few hundred characters. Longer texts are ignored. */
const MAX_LENGTH = 4096;

/** The headers that CMCD is spread over, CTA-5004 section 3.1. */
export const HEADERS = ['cmcd-object', 'cmcd-request', 'cmcd-status', 'cmcd-session'] as const;

/** The query argument `CMCD` as it was sent, still escaped: CTA-5004 section 3.2. Undefined: there is none. */
export function rawArgument(query: string): string | undefined {
  let at = query.indexOf('CMCD=');
  while (at > 0 && query.charCodeAt(at - 1) !== 0x26 /* & */) at = query.indexOf('CMCD=', at + 5);
  if (at < 0) return undefined;
  const end = query.indexOf('&', at);
  return query.slice(at + 5, end < 0 ? undefined : end);
}

/** A space may be sent as a plus (dash.js 5.2 writes version 2 that way); a literal plus never is. */
export function unescaped(argument: string): string | undefined {
  try {
    return decodeURIComponent(argument.includes('+') ? argument.replaceAll('+', ' ') : argument);
  } catch {
    return undefined;
  }
}

/** Everything that a request says in CMCD, as one text: from the query, otherwise from the headers. */
export function cmcdText(query: string, headers: IncomingHttpHeaders): string | undefined {
  const argument = query === '' ? undefined : rawArgument(query);
  if (argument !== undefined) return argument.length <= MAX_LENGTH ? unescaped(argument) : undefined;
  let text = '';
  for (const name of HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') text += text === '' ? value : `,${value}`;
  }
  return text === '' || text.length > MAX_LENGTH ? undefined : text;
}
