import { plainQuery } from './plain-uri.js';

/** Where the playlist was requested from: a token is sent back there, and nowhere else. */
export interface Origin {
  /** As the client wrote it, with its port; undefined: only relative URIs are known to lead back. */
  readonly host: string | undefined;
  readonly secure: boolean;
}

/** Where a URI leads. `relative`: to whatever it is resolved against. */
export type Leads = 'relative' | 'home' | 'away';

const AMPERSAND = 0x26;
/** A host name that does not exist: a URI that is resolved against it and stays there was relative. */
const NOWHERE = 'nowhere.invalid';

/** A URL parser drops these, so the URI would change its meaning when a query is appended. */
// eslint-disable-next-line no-control-regex
const DROPPED = /[\0-\x1f\x7f]|^ | $/;

/** A scheme without a host: `data:`, `skd:`, and `http:a.ts`, which a URL parser treats as relative. */
const OPAQUE = /^[a-z][a-z\d+.-]*:(?!\/\/)/i;

/** Adds one viewer's token to the queries of URIs that lead back to where the playlist came from. */
export class TokenInUri {
  /** `tkn=abc`, escaped for queries, attributes in either kind of quotes, and DASH templates (no `$`). */
  readonly pair: string;
  private readonly protocol: 'https:' | 'http:';
  private readonly host: string | undefined;
  private readonly start: string;
  private readonly asQuery: string;
  private readonly asParameter: string;
  /** A quick check, because most URIs have no token and need not be parsed. */
  private readonly mayCarry: RegExp;

  /**
   * @param name The parameter to write, in characters that need no escape.
   * @param readNames Other parameters that carry a token: a URI that has one was given a token of its own.
   */
  constructor(
    private readonly name: string,
    token: string,
    origin: Origin,
    private readonly readNames: readonly string[],
  ) {
    this.pair = `${name}=${escape(token)}`;
    this.start = `${name}=`;
    this.asQuery = `?${this.pair}`;
    this.asParameter = `&${this.pair}`;
    this.mayCarry = carrying([name, ...readNames]);
    this.protocol = origin.secure ? 'https:' : 'http:';
    this.host = hostOf(origin.host, this.protocol);
  }

  leads(uri: string): Leads {
    if (plainQuery(uri, 0, uri.length) >= 0) return 'relative';
    if (uri === '' || DROPPED.test(uri) || OPAQUE.test(uri)) return 'away';
    let url: URL;
    try {
      url = new URL(uri, `${this.protocol}//${NOWHERE}/`);
    } catch {
      return 'away';
    }
    if (url.protocol !== this.protocol && url.protocol !== 'https:') return 'away';
    if (url.host === NOWHERE) return uri.toLowerCase().includes(NOWHERE) ? 'away' : 'relative';
    return url.host === this.host ? 'home' : 'away';
  }

  /** The text to append to this URI, which is usually all that is needed. Undefined: more is. */
  behind(text: string, start: number, end: number): string | undefined {
    const query = plainQuery(text, start, end);
    if (query < 0) return undefined;
    if (query === end) return this.asQuery;
    if (this.mayCarry.test(text.slice(query, end))) return undefined;
    return query === end - 1 || text.charCodeAt(end - 1) === AMPERSAND ? this.pair : this.asParameter;
  }

  /** The URI with the token if it leads home or is relative; otherwise unchanged. */
  write(uri: string): string {
    return this.leads(uri) === 'away' ? uri : this.add(uri);
  }

  /** The URI with the token, wherever it leads. Other parameters and the fragment are kept. */
  add(uri: string): string {
    const hash = uri.indexOf('#');
    // only a fragment: it refers to this document
    if (hash === 0) return uri;
    const fragment = hash < 0 ? '' : uri.slice(hash);
    const before = hash < 0 ? uri : uri.slice(0, hash);
    const question = before.indexOf('?');
    if (question < 0) return `${before}?${this.pair}${fragment}`;
    const path = before.slice(0, question + 1);
    const query = before.slice(question + 1);
    return path + this.addToQuery(query) + fragment;
  }

  private addToQuery(query: string): string {
    if (query === '') return this.pair;
    const pairs = query.split('&');
    const carries = (name: string): boolean => pairs.some((pair) => pair.startsWith(`${name}=`));
    if (carries(this.name)) {
      let written = false;
      const others = pairs.filter((pair) => !pair.startsWith(this.start) || (!written && (written = true)));
      return others.map((pair) => (pair.startsWith(this.start) ? this.pair : pair)).join('&');
    }
    if (this.readNames.some(carries)) return query;
    return query.endsWith('&') ? query + this.pair : `${query}&${this.pair}`;
  }
}

const patterns = new Map<string, RegExp>();

/** Compiled once per list of names, which come from the options. */
function carrying(names: readonly string[]): RegExp {
  const key = names.join('|');
  let pattern = patterns.get(key);
  if (pattern === undefined) {
    const escaped = names.map((name) => name.replace(/[^\w]/g, '\\$&')).join('|');
    patterns.set(key, (pattern = new RegExp(`(?:${escaped})=`)));
  }
  return pattern;
}

/** Escapes what encodeURIComponent leaves and an attribute in single quotes cannot contain. */
const escape = (token: string): string => encodeURIComponent(token).replaceAll("'", '%27');

/** Normalised like a URL parser does: lower case, without the default port. */
function hostOf(host: string | undefined, protocol: string): string | undefined {
  if (host === undefined || /[/?#@\\\s]/.test(host)) return undefined;
  try {
    return new URL(`${protocol}//${host}/`).host || undefined;
  } catch {
    return undefined;
  }
}
