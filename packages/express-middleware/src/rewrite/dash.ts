import { Patch } from './patch.js';
import type { TokenInUri } from './token-in-uri.js';
import { decodeXml, encodeXml, readXml, type XmlElement } from './xml.js';

/** Elements that may have a BaseURL, against which their content is resolved. */
const LEVELS: readonly string[] = ['MPD', 'Period', 'AdaptationSet', 'Representation'];
/** Attributes that hold the address of a segment, by element, including templates. */
const OF_SEGMENTS: Readonly<Record<string, readonly string[]>> = {
  SegmentTemplate: ['media', 'initialization', 'index', 'bitstreamSwitching'],
  SegmentURL: ['media', 'index'],
  Initialization: ['sourceURL'],
  RepresentationIndex: ['sourceURL'],
  BitstreamSwitching: ['sourceURL'],
};
/** Elements whose text says where the manifest, or a part of it, is fetched from next. */
const OF_MANIFESTS: readonly string[] = ['Location', 'PatchLocation', 'ImportedMPD', 'ContentSteering'];

/** Where relative URIs lead: home, away, or possibly both if a BaseURL has alternatives. */
const HOME = 1;
const AWAY = 2;

/**
 * A DASH manifest (ISO/IEC 23009-1) whose child URIs carry the token: segment templates, lists and indexes, locations, remote
 * elements, and a BaseURL that is a file. A BaseURL that is a folder is left unchanged, because resolving drops its query, and
 * ffmpeg appends to its text; so is everything below a BaseURL of another host.
 *
 * @param manifestsOnly Only URIs from which manifests are fetched.
 * @returns undefined if it is not a manifest; the same text if none of its URIs lead home.
 */
export function writeDash(text: string, tokens: TokenInUri, manifestsOnly = false): string | undefined {
  const root = readXml(text);
  if (root?.name !== 'MPD') return undefined;
  const writer = new ManifestWriter(text, tokens, manifestsOnly);
  writer.measure(root, HOME);
  writer.visit(root, root);
  return writer.patch.result();
}

/** A part of the text that holds a URI. */
interface Place {
  readonly start: number;
  readonly end: number;
  readonly uri: string;
  readonly isCdata: boolean;
}

class ManifestWriter {
  readonly patch: Patch;
  private readonly hasXmlBase: boolean;
  /** Where a BaseURL at this level is resolved against. */
  private readonly inherited = new Map<XmlElement, number>();
  /** Where a template at this level leads, considering all BaseURLs between here and the representations. */
  private readonly reach = new Map<XmlElement, number>();

  constructor(
    private readonly text: string,
    private readonly tokens: TokenInUri,
    private readonly manifestsOnly: boolean,
  ) {
    this.patch = new Patch(text);
    this.hasXmlBase = text.includes('xml:base');
  }

  measure(level: XmlElement, inherited: number): number {
    if (this.strays(level)) inherited |= AWAY;
    const own = this.baseOf(level, inherited);
    const below = level.children.filter(isLevel);
    const reach = below.length === 0 ? own : below.reduce((bits, child) => bits | this.measure(child, own), 0);
    this.inherited.set(level, inherited);
    this.reach.set(level, reach);
    return reach;
  }

  /** @param level The innermost level that contains it. */
  visit(element: XmlElement, level: XmlElement): void {
    const inner = this.reach.has(element) ? element : level;
    if (inner === level && element !== level && this.strays(element)) return;
    for (const { name, start, end } of element.attributes) {
      const isRemote = name.endsWith(':href');
      if (isRemote) this.write(this.inAttribute(start, end), this.reach.get(level));
      else if (!this.manifestsOnly && OF_SEGMENTS[element.name]?.includes(name)) {
        this.write(this.inAttribute(start, end), this.reach.get(inner));
      }
    }
    if (OF_MANIFESTS.includes(element.name)) this.write(this.inContent(element), HOME);
    if (element.name === 'BaseURL' && !this.manifestsOnly) {
      const place = this.inContent(element);
      if (place !== undefined && isFile(place.uri)) this.write(place, this.inherited.get(level));
    }
    for (const child of element.children) this.visit(child, inner);
  }

  /** XML's own base is not part of DASH, and players ignore it; in case one follows it, the token must not go there. */
  private strays({ attributes }: XmlElement): boolean {
    if (!this.hasXmlBase) return false;
    const base = attributes.find(({ name }) => name === 'xml:base');
    const place = base && this.inAttribute(base.start, base.end);
    return base !== undefined && (place === undefined || this.tokens.leads(place.uri) === 'away') && place?.uri !== '';
  }

  private baseOf(level: XmlElement, inherited: number): number {
    const bases = level.children.filter(({ name }) => name === 'BaseURL');
    if (bases.length === 0) return inherited;
    return bases.reduce((bits, base) => {
      const place = this.inContent(base);
      const leads = place === undefined ? 'away' : place.uri === '' ? 'relative' : this.tokens.leads(place.uri);
      return bits | (leads === 'home' ? HOME : leads === 'away' ? AWAY : inherited);
    }, 0);
  }

  private write(place: Place | undefined, base: number | undefined): void {
    if (place === undefined) return;
    const leads = this.tokens.leads(place.uri);
    if (leads === 'away' || (leads === 'relative' && base !== HOME)) return;
    const written = this.tokens.add(place.uri);
    if (written === place.uri) return;
    this.patch.replace(place.start, place.end, place.isCdata ? written : encodeXml(written));
  }

  private inAttribute(start: number, end: number): Place | undefined {
    return this.place(start, end, false);
  }

  private inContent({ children, contentStart, contentEnd }: XmlElement): Place | undefined {
    if (children.length > 0) return undefined;
    const raw = this.text.slice(contentStart, contentEnd);
    if (!raw.includes('<')) return this.place(contentStart, contentEnd, false);
    // anything but a single CDATA section: URLs are not written like that
    const start = contentStart + raw.indexOf(CDATA);
    const end = contentStart + raw.indexOf(']]>');
    const around = raw.replace(this.text.slice(start, end + 3), '');
    if (!raw.includes(CDATA) || end < start || around.trim() !== '') return undefined;
    return this.place(start + CDATA.length, end, true);
  }

  /** Without surrounding white space. */
  private place(start: number, end: number, isCdata: boolean): Place | undefined {
    const raw = this.text.slice(start, end);
    const trimmed = raw.trim();
    const uri = isCdata ? trimmed : decodeXml(trimmed);
    if (uri === undefined) return undefined;
    const from = start + raw.indexOf(trimmed);
    return { start: from, end: from + trimmed.length, uri, isCdata };
  }
}

const CDATA = '<![CDATA[';

const isLevel = ({ name }: XmlElement): boolean => LEVELS.includes(name);

/** Not a folder. */
const isFile = (uri: string): boolean => !/^(?:[^?#]*\/)?\.{0,2}(?:[?#]|$)/.test(uri);
