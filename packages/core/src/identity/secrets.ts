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
 * The query (or URL) with the values of token parameters, and every value that the token is part of, replaced by the
 * fingerprint. Tokens are secrets; queries end up in lists and logs.
 */
export function redact(text: string, token: string | undefined, fingerprint: (token: string) => string): string {
  if (!text.includes('=')) return text;
  const isSecret = (value: string): boolean =>
    value === token ||
    NESTED.test(value) ||
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

function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
