import { badOption, ownCopy } from '@stream-sessions/core/spi';
import type { SourceTarget } from './driver.js';

const PLACEHOLDER = /\{(\w{1,32})\}/g;
/** Exactly what a placeholder may capture, because it is inserted into commands, paths and URLs. */
const CAPTURE = '([\\w-]{1,64})';

/** The names in braces of a template, possibly including `stream`. */
export const placeholdersOf = (template: string): string[] =>
  [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);

/** A template with its placeholders filled in. */
export const fill = (template: string, { values }: SourceTarget): string =>
  template.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);

/** The values of a template's placeholders in a text made from it; undefined: the text does not match. */
export function capturesOf(template: string, text: string): Record<string, string> | undefined {
  const names = placeholdersOf(template);
  const found = new RegExp(`^${literalsOf(template).map(escaped).join(CAPTURE)}$`).exec(text);
  return found === null ? undefined : Object.fromEntries(names.map((name, i) => [name, found[i + 1] as string]));
}

const literalsOf = (template: string): string[] => template.split(PLACEHOLDER).filter((_, i) => i % 2 === 0);
const escaped = (literal: string): string => literal.replace(/[\\^$.*+?()[\]|/-]/g, '\\$&');

/** The streams that a rule applies to: `cam1`, or with the variable parts in braces, `live/{room}-{camera}`. */
export class Pattern {
  readonly names: readonly string[];
  private readonly regExp: RegExp;

  /** @throws StreamSessionsError ERR_BAD_OPTION */
  constructor(readonly text: string) {
    if (typeof text !== 'string' || text === '') throw badOption('pattern', 'a stream code like "cam-{id}"', text);
    this.names = placeholdersOf(text);
    const literals = literalsOf(text);
    if (literals.slice(1, -1).includes('')) {
      throw badOption('pattern', 'a stream code with something between two placeholders', text);
    }
    if (literals.some((literal) => /[{}*]/.test(literal))) {
      throw badOption('pattern', 'a stream code with placeholders like {id}, and no other braces or asterisks', text);
    }
    if (new Set(this.names).size < this.names.length || this.names.includes('stream')) {
      throw badOption('pattern', 'one with different names in braces, and none of them "stream"', text);
    }
    this.regExp = new RegExp(`^${literals.map(escaped).join(CAPTURE)}$`);
  }

  /** Whether it matches only one stream. */
  get isFixed(): boolean {
    return this.names.length === 0;
  }

  /** The stream for these captured values; undefined: some are missing. */
  streamOf(values: Readonly<Record<string, string>>): string | undefined {
    if (values['stream'] !== undefined) return values['stream'];
    return this.names.every((name) => name in values) ? fill(this.text, { stream: '', values }) : undefined;
  }

  /** The target for this stream, in memory of its own; undefined: the pattern does not match. */
  match(stream: string): SourceTarget | undefined {
    const found = this.regExp.exec(stream);
    if (found === null) return undefined;
    // they outlast the request that they are parts of
    const [own = '', ...captures] = found.map(ownCopy);
    const values: Record<string, string> = { stream: own };
    this.names.forEach((name, i) => (values[name] = captures[i] as string));
    return { stream: own, values };
  }
}
