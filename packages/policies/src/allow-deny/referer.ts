/** The host of a page, spelled in the one way that rules are: small letters, punycode, no dot at its end. */
export function hostOf(page: string): string | undefined {
  if (!URL.canParse(page)) return undefined;
  const host = new URL(page).hostname.toLowerCase();
  // The root of all names: example.com. is example.com to every resolver and browser.
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** A host alone: nothing that begins another part of a URL, and no dot or star in front. Or an IPv6 address in brackets. */
const HOST = /^(?:[^\s/\\:@?#*.[\]][^\s/\\:@?#*[\]]*|\[[\da-f:.]+\])$/i;

/** The host that a rule names; undefined when it is none, such as a URL or `*.example.com`: it would match nobody. */
export const ruleHost = (text: string): string | undefined => (HOST.test(text) ? hostOf(`http://${text}/`) : undefined);
