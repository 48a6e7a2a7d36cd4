import { createHmac } from 'node:crypto';
import { TOKEN_PARAMETERS } from './tokens.js';

/** Makes the short keyed hash that stands for a token wherever it is shown: 8 characters, 48 bits. */
export function fingerprinter(key: string | Buffer): (token: string) => string {
  // A viewer's token is wanted twice: for itself, and where it stands in the query.
  let last: string | undefined;
  let print = '';
  return (token) => {
    if (token !== last) {
      print = createHmac('sha256', key).update(token).digest('base64url').slice(0, 8);
      last = token;
    }
    return print;
  };
}

/** A token parameter inside the value of another parameter: a page to go back to, for one. */
const NESTED = new RegExp(`(?:^|[?&;#])(?:${TOKEN_PARAMETERS.join('|')})=`, 'i');
/** A token shorter than this may be part of a value by chance. */
const SHORTEST_PART = 8;

/**
 * The query (or URL) with the values of token parameters, every value that the token is part of, and the token wherever
 * else it stands, replaced by the fingerprint. Tokens are secrets; queries end up in lists and logs.
 */
export function redact(text: string, token: string | undefined, fingerprint: (token: string) => string): string {
  const shown = text.includes('=') ? withoutValues(text, token, fingerprint) : text;
  if (token === undefined || token.length < SHORTEST_PART) return shown;
  // without a name before it: in the path of a page, for one
  let hidden = shown.includes(token) ? shown.replaceAll(token, () => fingerprint(token)) : shown;
  const escaped = escape(token);
  if (escaped !== token && hidden.includes(escaped)) hidden = hidden.replaceAll(escaped, () => fingerprint(token));
  return hidden;
}

function withoutValues(text: string, token: string | undefined, fingerprint: (token: string) => string): string {
  const isSecret = (value: string): boolean =>
    value === token ||
    NESTED.test(value) ||
    NESTED.test(decode(value)) ||
    (token !== undefined && token.length >= SHORTEST_PART && value.includes(token));
  return text.replace(
    /([?&;#]|^)([^=&;?#]*)=([^&;#]*)/g,
    (pair: string, before: string, name: string, value: string) => {
      if (value === '') return pair;
      const plain = decode(value);
      const secret = TOKEN_PARAMETERS.includes(decode(name).toLowerCase()) || isSecret(plain);
      return secret ? `${before}${name}=${fingerprint(plain)}` : pair;
    },
  );
}

/** Half a character cannot be escaped, and then stands nowhere so. */
const escape = (token: string): string => (/[\ud800-\udfff]/u.test(token) ? token : encodeURIComponent(token));

function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
