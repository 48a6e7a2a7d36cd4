/** Longer tokens are refused, never truncated: two tokens must not become one. */
export const MAX_TOKEN_LENGTH = 4096;

/** Query parameters that carry a viewer token: ours and MistServer's. */
export const TOKEN_PARAMETERS: readonly string[] = ['token', 'tkn'];

/**
 * The viewer token in a raw query: `token`, else `tkn`, without surrounding blanks. A parameter that is repeated with different
 * values is ignored, because it is unclear which one is meant; equal values count as one, since page code may append what a
 * playlist already carries. So is one with a broken escape: two broken tokens must not become one.
 *
 * @returns '' if the query is empty, cannot be parsed or has no token.
 */
export const tokenFromQuery = queryTokenReader(TOKEN_PARAMETERS);

/** Makes a `tokenFromQuery` for parameters with other names: the first one that has a single value in a query counts. */
export function queryTokenReader(names: readonly string[]): (rawQuery: string) => string {
  const alternatives = names.map((name) => name.replace(/[^\w]/g, '\\$&')).join('|');
  const some = new RegExp(`(?:^|[?&])(?:${alternatives})=`);
  return function tokenFromQuery(rawQuery) {
    if (!some.test(rawQuery)) return '';
    const pairs = rawQuery.replace(/^\?/, '').split('&');
    for (const name of names) {
      const [first, ...others] = pairs.filter((pair) => pair.startsWith(`${name}=`));
      const token = first === undefined ? undefined : decoded(first.slice(name.length + 1));
      if (token && others.every((other) => decoded(other.slice(name.length + 1)) === token)) return token;
    }
    return '';
  };
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replaceAll('+', ' ')).trim();
  } catch {
    return undefined;
  }
}
