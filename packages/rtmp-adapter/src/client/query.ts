import { stringify } from 'node:querystring';

/** The raw query of a URL, without `?`. */
export function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/**
 * The query that the server has already parsed, as text again. Invalid UTF-8 has been replaced in it, so that two broken tokens
 * could have become one: such a parameter is left out.
 */
export function queryFrom(parsed: Readonly<Record<string, string | string[] | undefined>> | undefined): string {
  const sound = Object.entries(parsed ?? {}).filter(([name, value]) => !`${name}=${String(value)}`.includes('\uFFFD'));
  return stringify(Object.fromEntries(sound));
}
