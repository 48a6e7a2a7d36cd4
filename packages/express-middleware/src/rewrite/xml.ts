/** An element of an XML document, with the positions of its parts in the text. */
export interface XmlElement {
  /** As written, including the prefix. */
  readonly tag: string;
  /** Without the prefix. */
  readonly name: string;
  readonly parent: XmlElement | undefined;
  readonly children: XmlElement[];
  readonly attributes: readonly XmlAttribute[];
  /** Between its tags; for `<a/>`, start and end are equal. */
  readonly contentStart: number;
  contentEnd: number;
}

export interface XmlAttribute {
  readonly name: string;
  /** Of the value, between the quotes. */
  readonly start: number;
  readonly end: number;
}

const SLASH = 0x2f;
const MAX_DEPTH = 64;
const OPENING = /<([^\s<>"'/=!?]+)/y;
const ATTRIBUTE = /\s+([^\s<>"'/=]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
/** A timeline has thousands of these, and they contain no address: they are not kept. */
const TIMELINE_ENTRY = /<S(?:\s+[a-z]+="\d*"){0,8}\s*\/>/y;
const TAG_END = /\s*(\/?)>/y;
const CLOSING = /<\/([^\s<>"'/=]+)\s*>/y;

/**
 * Parses the elements of a document in a single pass without backtracking, since it may come from another server. Undefined if it
 * is not well-formed, nests deeper than any manifest, or has a DOCTYPE, whose entities could stand for anything.
 *
 * A parser of our own, because it runs for every manifest: saxes 6 takes 4.1 times as long for a timeline of 60 entries and 4.6
 * times for 1,800 (the whole rewriting 2.7 and 4.4 times), and does not say where the value of an attribute is.
 */
export function readXml(text: string): XmlElement | undefined {
  let root: XmlElement | undefined;
  let inside: XmlElement | undefined;
  let depth = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const behind = behindRemark(text, at);
    if (behind !== undefined) {
      if (behind < 0) return undefined;
      at = behind;
    } else if (text.charCodeAt(at + 1) === SLASH) {
      const closing = match(CLOSING, text, at);
      if (closing === undefined || inside === undefined || inside.tag !== closing[1]) return undefined;
      inside.contentEnd = at;
      inside = inside.parent;
      depth--;
      at += closing[0].length;
    } else {
      TIMELINE_ENTRY.lastIndex = at;
      if (inside !== undefined && TIMELINE_ENTRY.test(text)) {
        at = TIMELINE_ENTRY.lastIndex;
        continue;
      }
      if (inside === undefined && root !== undefined) return undefined;
      const opened = readTag(text, at, inside);
      if (opened === undefined) return undefined;
      const { element, isEmpty } = opened;
      root ??= element;
      inside?.children.push(element);
      if (!isEmpty && ++depth > MAX_DEPTH) return undefined;
      if (!isEmpty) inside = element;
      at = element.contentStart;
    }
  }
  return inside === undefined ? root : undefined;
}

/** The end of a comment, CDATA section or instruction. -1: it does not end, or is a DOCTYPE. Undefined: it is none of these. */
function behindRemark(text: string, at: number): number | undefined {
  if (text.startsWith('<!--', at)) return behind(text, '-->', at + 4);
  if (text.startsWith('<![CDATA[', at)) return behind(text, ']]>', at + 9);
  if (text.startsWith('<?', at)) return behind(text, '?>', at + 2);
  return text.startsWith('<!', at) ? -1 : undefined;
}

function behind(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from);
  return at < 0 ? -1 : at + end.length;
}

function readTag(text: string, at: number, parent: XmlElement | undefined) {
  const opening = match(OPENING, text, at);
  if (opening === undefined) return undefined;
  const tag = opening[1] as string;
  const attributes: XmlAttribute[] = [];
  let end = at + opening[0].length;
  for (let found = match(ATTRIBUTE, text, end); found !== undefined; found = match(ATTRIBUTE, text, end)) {
    end += found[0].length;
    const length = (found[2] ?? found[3] ?? '').length;
    attributes.push({ name: found[1] as string, start: end - 1 - length, end: end - 1 });
  }
  const ending = match(TAG_END, text, end);
  if (ending === undefined) return undefined;
  const contentStart = end + ending[0].length;
  const name = tag.slice(tag.indexOf(':') + 1);
  const element: XmlElement = { tag, name, parent, children: [], attributes, contentStart, contentEnd: contentStart };
  return { element, isEmpty: ending[1] === '/' };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Decodes a piece of text. Undefined: it uses an entity that XML itself does not define. */
export function decodeXml(raw: string): string | undefined {
  if (!raw.includes('&')) return raw;
  let known = true;
  const text = raw.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([^;&]{0,16}));?/g,
    (entity, dec, hex, name: string) => {
      const code = dec !== undefined ? Number(dec) : hex !== undefined ? parseInt(hex as string, 16) : undefined;
      const meant = code === undefined ? ENTITIES[name] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
      known &&= meant !== undefined && entity.endsWith(';');
      return meant ?? '';
    },
  );
  return known ? text : undefined;
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** The text as it may appear in content, or in an attribute with either kind of quotes. */
export const encodeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => REFERENCES[character] ?? '');
