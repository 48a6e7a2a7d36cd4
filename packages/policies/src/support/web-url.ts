import { badOption, parseUrl } from '@stream-sessions/core/spi';

/**
 * The URL of a web service.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION. The message does not contain a password.
 */
export function webUrl(name: string, given: unknown): URL {
  const text = String(given);
  const url = parseUrl(text);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw badOption(name, 'an http(s) URL', given === undefined ? given : shown(text));
  }
  if (url.username === '' && url.password === '') return url;
  throw badOption(
    name,
    "a URL without name and password; send them as headers: { authorization: 'Basic …' }",
    'one with',
  );
}

/** Omits what could be a name and password. */
const shown = (text: string): string => text.slice(text.lastIndexOf('@') + 1);
