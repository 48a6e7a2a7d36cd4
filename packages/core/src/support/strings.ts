/** A sliced string keeps the whole string it was cut from in memory; V8 copies only strings shorter than this. */
const SHORTEST_SLICE = 13;

/** The same string in its own memory: what is kept per viewer must not keep the request it came from alive. */
export function ownCopy(text: string): string {
  if (text.length < SHORTEST_SLICE) return text;
  // eslint-disable-next-line no-control-regex -- Latin-1 is exactly this range
  const encoding = /^[\x00-\xff]*$/.test(text) ? 'latin1' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}

/** A copy of its own with at most `max` characters; undefined for undefined and for the empty string. */
export function keep(text: string | undefined, max: number): string | undefined {
  if (text === undefined || text === '') return undefined;
  return ownCopy(text.length > max ? text.slice(0, max) : text);
}

/** Longer texts are hardly ever shared by several sessions. */
const LONGEST_SHARED = 256;

/**
 * Keeps one copy of a text that many sessions share (User-Agents, protocols). Bounded: when it is full, everything is forgotten
 * at once, and a long text is merely copied; sessions keep the strings they hold.
 */
export class StringPool {
  private readonly texts = new Map<string, string>();

  constructor(private readonly max = 16_384) {}

  share(text: string): string {
    if (text.length > LONGEST_SHARED) return ownCopy(text);
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    if (this.texts.size >= this.max) this.texts.clear();
    const copy = ownCopy(text);
    this.texts.set(copy, copy);
    return copy;
  }
}
