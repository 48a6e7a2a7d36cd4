import type { Patch } from './patch.js';
import type { TokenInUri } from './token-in-uri.js';

/** Attributes that hold a URI that players request: RFC 8216bis 4.4, and its Appendix D for interstitials. */
const URI_ATTRIBUTES: readonly string[] = ['URI', 'SERVER-URI', 'X-ASSET-URI', 'X-ASSET-LIST'];
const COLON = 0x3a;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const SPACE = 0x20;
const SOME_URI = /URI=|X-ASSET-LIST=|PREFETCH:/g;
/** Tags that consist of a URI: a segment that is still being produced, from low-latency servers that predate parts. */
const BARE_URI = /#EXT-X-(?:TWITCH-)?PREFETCH:[ \t]*/y;
/** Some writers omit the quotes, and most players do not mind. */
const UNQUOTED = /(?:^|[, ])(?:URI|SERVER-URI|X-ASSET-URI|X-ASSET-LIST)=(?=([^"',\s][^",\s]*))/g;
/** Tags whose URI is another playlist. */
const OF_PLAYLISTS = /#EXT-X-(?:MEDIA|I-FRAME-STREAM-INF|IMAGE-STREAM-INF|RENDITION-REPORT):/y;
/** The most characters that the URIs of one playlist may grow to: a short text can say a variable thousands of times. */
const MAX_EXPANDED = 4 * 1024 * 1024;
const VARIABLE = /\{\$([A-Za-z0-9_-]+)\}/g;

/** Handles those tags of one playlist that contain URIs. */
export class HlsTags {
  /** Where the next URI in a tag could be: most playlists have none, and then no tag is examined. */
  private nextUri: number;
  private nextQuote = -1;
  /** EXT-X-DEFINE, read when a URI first uses one. */
  private variables: Map<string, string> | undefined = undefined;
  /** The values that were put into URIs so far, in characters. */
  private expanded = 0;

  constructor(
    private readonly text: string,
    private readonly tokens: TokenInUri,
    private readonly playlistsOnly: boolean,
  ) {
    this.nextUri = this.find(0);
  }

  /** Whether this tag may have a URI in its attributes; called for one tag after the other. */
  mayHaveUri(at: number, end: number): boolean {
    if (this.nextUri < at) this.nextUri = this.find(at);
    return this.nextUri < end;
  }

  /** Writes the token into the URIs of one tag. */
  write(at: number, end: number, patch: Patch): void {
    if (!this.isWritten(at)) return;
    BARE_URI.lastIndex = at;
    if (BARE_URI.test(this.text)) return this.writeBare(BARE_URI.lastIndex, end, patch);
    const colon = this.text.indexOf(':', at);
    if (colon > 0 && colon < end) this.writeAttributes(colon + 1, end, patch);
  }

  /** Writes the token into the URI of a line or an attribute. */
  writeUri(start: number, end: number, patch: Patch): void {
    const behind = this.tokens.behind(this.text, start, end);
    if (behind !== undefined) return patch.replace(end, end, behind);
    const uri = this.text.slice(start, end);
    const expanded = uri.includes('{$') ? this.expand(uri) : uri;
    if (expanded === undefined) return;
    const written = this.tokens.write(expanded);
    if (written !== expanded) patch.replace(start, end, written);
  }

  private isWritten(at: number): boolean {
    if (!this.playlistsOnly) return this.text.startsWith('#EXT-X-', at);
    OF_PLAYLISTS.lastIndex = at;
    return OF_PLAYLISTS.test(this.text);
  }

  /** Goes from quote to quote: the text between an odd quote and the next is a value, and may look like anything. */
  private writeAttributes(at: number, end: number, patch: Patch): void {
    const { text } = this;
    for (;;) {
      const open = this.quoteFrom(at);
      this.writeUnquoted(at, Math.min(open, end), patch);
      if (open >= end) return;
      const close = this.quoteFrom(open + 1);
      if (close >= end) return;
      if (holdsUri(text, open)) this.writeUri(open + 1, close, patch);
      at = close + 1;
    }
  }

  private writeBare(start: number, end: number, patch: Patch): void {
    const value = this.text.slice(start, end).trimEnd();
    if (value !== '') this.writeUri(start, start + value.length, patch);
  }

  /** The attributes between quoted values. */
  private writeUnquoted(at: number, end: number, patch: Patch): void {
    for (const found of this.text.slice(at, end).matchAll(UNQUOTED)) {
      const start = at + found.index + found[0].length;
      this.writeUri(start, start + (found[1] as string).length, patch);
    }
  }

  /** Searched once, however many tags come before it. */
  private quoteFrom(at: number): number {
    if (this.nextQuote < at) {
      const found = this.text.indexOf('"', at);
      this.nextQuote = found < 0 ? Infinity : found;
    }
    return this.nextQuote;
  }

  private find(from: number): number {
    SOME_URI.lastIndex = from;
    return SOME_URI.exec(this.text)?.index ?? Infinity;
  }

  /**
   * The URI with its variables substituted (RFC 8216bis 4.3): they may hold a host or a query. Undefined: a variable is not
   * defined by value here, so where the URI leads is unknown; or its values are too long.
   */
  private expand(uri: string): string | undefined {
    const variables = (this.variables ??= definitions(this.text));
    let known = true;
    const expanded = uri.replace(VARIABLE, (variable, name: string) => {
      const value = variables.get(name);
      this.expanded += value?.length ?? 0;
      known &&= value !== undefined && this.expanded <= MAX_EXPANDED;
      return known && value !== undefined ? value : variable;
    });
    return known && !expanded.includes('{$') ? expanded : undefined;
  }
}

/** Whether the value that this quote opens belongs to an attribute with a URI. */
function holdsUri(text: string, quote: number): boolean {
  for (const name of URI_ATTRIBUTES) {
    const start = quote - 1 - name.length;
    if (text.startsWith(name, start) && text.charCodeAt(quote - 1) === EQUALS) {
      const before = text.charCodeAt(start - 1);
      if (before === COLON || before === COMMA || before === SPACE) return true;
    }
  }
  return false;
}

/** Each EXT-X-DEFINE with a value. A name that is defined twice is an error in the playlist, and is not used. */
function definitions(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const [, list = ''] of text.matchAll(/^#EXT-X-DEFINE:(.*)$/gm)) {
    const name = /(?:^|, *)NAME="([^"]*)"/.exec(list)?.[1];
    const value = /(?:^|, *)VALUE="([^"]*)"/.exec(list)?.[1];
    if (name === undefined || value === undefined) continue;
    if (found.has(name)) twice.add(name);
    found.set(name, value);
  }
  for (const name of twice) found.delete(name);
  return found;
}
