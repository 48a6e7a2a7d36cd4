import { rawArgument, unescaped } from './raw.js';

/**
 * CTA-5004 allows 64 characters; players are not always that strict. A longer one is ignored, because cutting it could merge two.
 */
const MAX_SID_LENGTH = 256;

/**
 * The session id that a player gives in CMCD (CTA-5004): from the query argument `CMCD`, otherwise from the header
 * `CMCD-Session`.
 *
 * @param query Raw, without `?`.
 */
export function cmcdSid(query: string, header: string | string[] | undefined): string | undefined {
  const argument = query === '' ? undefined : rawArgument(query);
  const fromQuery = argument === undefined ? undefined : sidOf(unescaped(argument));
  return fromQuery ?? (typeof header === 'string' ? sidOf(header) : undefined);
}

/** `key`, `key=token` and `key="string"`, separated by commas, which a string may contain. */
const PAIR = /\s*([^=,\s]+)(?:=("(?:[^"\\]|\\.)*"|[^,]*))?(?:,|$)/y;

function sidOf(data: string | undefined): string | undefined {
  if (data === undefined || !data.includes('sid=')) return undefined;
  PAIR.lastIndex = 0;
  for (let pair = PAIR.exec(data); pair !== null; pair = PAIR.exec(data)) {
    if (pair[1] !== 'sid') continue;
    const sid = (pair[2] ?? '').replace(/^"|"$/g, '').replace(/\\(.)/g, '$1');
    return sid === '' || sid.length > MAX_SID_LENGTH ? undefined : sid;
  }
  return undefined;
}
