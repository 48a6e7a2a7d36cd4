import { parseUrl } from '@stream-sessions/core/spi';

/** The host of a page in the spelling that rules use: lower case, punycode, no trailing dot. */
export function hostOf(page: string): string | undefined {
  const host = parseUrl(page)?.hostname.toLowerCase();
  if (host === undefined) return undefined;
  // The DNS root: to every resolver and browser, example.com. is example.com.
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Only a host: nothing that begins another part of a URL, and no leading dot or star. Or an IPv6 address in brackets. */
const HOST = /^(?:[^\s/\\:@?#*.[\]][^\s/\\:@?#*[\]]*|\[[\da-f:.]+\])$/i;

/** The host that a rule names; undefined if it is not one, such as a URL or `*.example.com`, which would match nothing. */
export const ruleHost = (text: string): string | undefined => (HOST.test(text) ? hostOf(`http://${text}/`) : undefined);
