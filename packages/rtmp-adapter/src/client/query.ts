import { stringify } from 'node:querystring';

/** The raw query of a URL, without `?`. */
export function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/**
 * The query that the server has parsed already, as text again. Bytes that are no UTF-8 have been replaced in it: two broken
 * tokens would have become one, so such a parameter is left out.
 */
export function queryFrom(parsed: Readonly<Record<string, string | string[] | undefined>> | undefined): string {
  const sound = Object.entries(parsed ?? {}).filter(([name, value]) => !`${name}=${String(value)}`.includes('\uFFFD'));
  return stringify(Object.fromEntries(sound));
}
