import { MAX_TOKEN_LENGTH, TOKEN_PARAMETERS } from './tokens.js';
import { withoutUserinfo } from './userinfo.js';

/** Parameters whose values are always secrets. */
const SECRET_PARAMETERS: readonly string[] = [
  ...TOKEN_PARAMETERS,
  ...['access_token', 'id_token', 'refresh_token', 'jwt', 'password', 'passwd', 'pass', 'pwd', 'passphrase', 'secret'],
  ...['api_key', 'apikey', 'signature', 'sig', 'x-amz-signature', 'x-amz-security-token', 'x-goog-signature'],
  ...['hdnts', 'hdntl', 'hdnea'],
];

/** Hiding is linear, but a query may be a megabyte; anything beyond this is not read. */
export const MAX_READ = 16_384;
/** The longest a token can be once fully escaped: the text read may end in the middle of a secret. */
const MAX_SECRET = 3 * MAX_TOKEN_LENGTH;
/** A secret shorter than this may occur in other text by chance. */
const SHORTEST_PART = 8;
/** The most levels of escaping to undo; no real URL has more. */
const MAX_ESCAPES = 5;

/** What to hide in addition to what is always hidden. */
export interface Secrets {
  /** Names of parameters that carry secrets. Pass the same array each time: the expressions compiled from it are cached. */
  readonly parameters?: readonly string[] | undefined;
  /** Credentials that the client offered: hidden wherever they appear, with or without a parameter name. */
  readonly values?: readonly (string | undefined)[];
  /** Makes the replacement of a secret. Default: the word `hidden`. */
  readonly instead?: (secret: string) => string;
}

/**
 * A query or URL in a form that may be kept or shown: without `user:password@`, without the values of parameters that carry
 * tokens or other secrets (even repeated, escaped or inside another value), and without the given secrets wherever they appear.
 * Of a text of more than 16,384 characters, only the beginning is returned.
 */
export function hideSecrets(text: string, secrets: Secrets = {}): string {
  if (text.length <= MAX_READ) return hidden(text, secrets);
  return hidden(text.slice(0, MAX_READ), secrets).slice(0, -MAX_SECRET);
}

function hidden(text: string, secrets: Secrets): string {
  const { instead = () => 'hidden' } = secrets;
  const values = (secrets.values ?? []).filter((value) => value !== undefined && value !== '') as string[];
  const parts = values.filter((value) => value.length >= SHORTEST_PART);
  let shown = withoutUserinfo(text, 'hidden/');
  if (shown.includes('=')) shown = withoutValues(shown, namesOf(secrets.parameters), values, parts, instead);
  for (const secret of parts) if (shown.includes(secret)) shown = shown.replaceAll(secret, () => instead(secret));
  const plainly = shown.includes('%') ? unescaped(shown) : shown;
  if (plainly === shown || !parts.some((part) => plainly.includes(part))) return shown;
  return shown.replace(/[^/?&;#=]+/g, (piece) => {
    const plain = unescaped(piece);
    const secret = plain === piece ? undefined : parts.find((part) => plain.includes(part));
    return secret === undefined ? piece : instead(secret);
  });
}

function withoutValues(
  text: string,
  names: Names,
  secrets: readonly string[],
  parts: readonly string[],
  instead: (secret: string) => string,
): string {
  const isSecret = (value: string): boolean =>
    secrets.includes(value) ||
    names.nested.test(value) ||
    withoutUserinfo(value) !== value ||
    parts.some((part) => value.includes(part));
  return text.replace(
    /([?&;#]|^)([^=&;?#]*)=([^&;#]*)/g,
    (pair: string, before: string, name: string, value: string) => {
      if (value === '') return pair;
      const plain = decoded(value);
      const bare = unescaped(plain);
      const secret =
        names.all.has(plainName(name)) ||
        isSecret(value) ||
        (plain !== value && isSecret(plain)) ||
        (bare !== plain && isSecret(bare));
      return secret ? `${before}${name}=${instead(plain.trim())}` : pair;
    },
  );
}

/** The name as a query parser may read it: `%74oken`, ` token`, `TOKEN` and `token[]` are all `token` to some parser. */
const plainName = (name: string): string => unescaped(name).trim().toLowerCase().split('[', 1)[0] as string;

interface Names {
  readonly all: ReadonlySet<string>;
  /** A secret parameter nested in another value: a return URL, the next object that CMCD names, JSON. */
  readonly nested: RegExp;
}

const namesUsual = compile([]);
const compiled = new WeakMap<readonly string[], Names>();

function namesOf(parameters: readonly string[] | undefined): Names {
  if (parameters === undefined) return namesUsual;
  let names = compiled.get(parameters);
  if (names === undefined) compiled.set(parameters, (names = compile(parameters)));
  return names;
}

function compile(parameters: readonly string[]): Names {
  const all = [...SECRET_PARAMETERS, ...parameters].map((name) => name.toLowerCase());
  const alternatives = all.map((name) => name.replace(/[^\w]/g, '\\$&')).join('|');
  return {
    all: new Set(all),
    nested: new RegExp(`(?:^|[^\\w.~-])(?:${alternatives})(?:["']\\s{0,8}:|(?:\\[[^\\]]{0,64}\\])?\\s{0,8}=)`, 'i'),
  };
}

/** Decodes once, as a form parser does; what cannot be decoded is left as it is. */
function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** Decodes repeatedly, and character by character where the whole cannot be decoded. */
function unescaped(text: string): string {
  let plain = text;
  for (let i = 0; i < MAX_ESCAPES && /[%+]/.test(plain); i++) {
    const before = plain;
    plain = decoded(before);
    if (plain === before)
      plain = before.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    if (plain === before) break;
  }
  return plain;
}
