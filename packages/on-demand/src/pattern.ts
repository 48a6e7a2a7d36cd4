import { badOption } from '@stream-sessions/core/spi';
import type { SourceTarget } from './driver.js';

const PLACEHOLDER = /\{(\w{1,32})\}/g;
/** What a placeholder captures, and nothing else: it goes into commands, paths and URLs. */
const CAPTURE = '([\\w-]{1,64})';

/** The names in braces of a template, `stream` among them. */
export const placeholdersOf = (template: string): string[] =>
  [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);

/** A template with its placeholders filled in. */
export const fill = (template: string, { values }: SourceTarget): string =>
  template.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);

/** Which streams are meant: `cam1`, or with what differs in braces, `live/{room}-{camera}`. */
export class Pattern {
  readonly names: readonly string[];
  private readonly regExp: RegExp;

  /** @throws StreamSessionsError ERR_BAD_OPTION */
  constructor(readonly text: string) {
    if (typeof text !== 'string' || text === '') throw badOption('pattern', 'a stream code like "cam-{id}"', text);
    this.names = placeholdersOf(text);
    const literals = text.split(PLACEHOLDER).filter((_, i) => i % 2 === 0);
    if (literals.slice(1, -1).includes('')) {
      throw badOption('pattern', 'a stream code with something between two placeholders', text);
    }
    if (literals.some((literal) => /[{}*]/.test(literal))) {
      throw badOption('pattern', 'a stream code with placeholders like {id}, and no other braces or asterisks', text);
    }
    if (new Set(this.names).size < this.names.length || this.names.includes('stream')) {
      throw badOption('pattern', 'one with different names in braces, and none of them "stream"', text);
    }
    const escaped = literals.map((literal) => literal.replace(/[\\^$.*+?()[\]|/-]/g, '\\$&'));
    this.regExp = new RegExp(`^${escaped.join(CAPTURE)}$`);
  }

  /** Whether it means one stream alone. */
  get isFixed(): boolean {
    return this.names.length === 0;
  }

  /** What is to be started for this stream; undefined: it is not meant. */
  match(stream: string): SourceTarget | undefined {
    const found = this.regExp.exec(stream);
    if (found === null) return undefined;
    const values: Record<string, string> = { stream };
    this.names.forEach((name, i) => (values[name] = found[i + 1] as string));
    return { stream, values };
  }
}
